#pragma once

#include <string_view>

#include "base/result.h"
#include "cli/command.h"

namespace starling::cli {

// Writes a line to stdout.
void print(std::string_view line);
// Ends the output of a command that gave `code`: an output that could not be written (a full disk) makes it kFailed.
int finish_output(int code);
// Says what went wrong and gives kFailed.
int report(const base::Error& error, bool json);

}  // namespace starling::cli
