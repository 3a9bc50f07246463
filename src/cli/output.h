#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "cli/command.h"

namespace starling::cli {

// Writes a line to stdout.
void print(std::string_view line);
// Writes the object that --json asks for: the last line of stdout.
void print_json(const base::Json& object);
// A remark for the user, on stderr.
void note(std::string_view sentence);
// Ends the output of a command that gave `code`: an output that could not be written (a full disk) makes it kFailed.
int finish_output(int code);
// Says what went wrong, as one sentence on stderr and with json as {"error": {"code", "message"}} on stdout, and gives
// kFailed.
int report(const base::Error& error, bool json);

}  // namespace starling::cli
