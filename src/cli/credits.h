#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "ledger/amount.h"

namespace starling::cli {

// "12.5" credits; at most nine digits after the point, which is a mote.
base::Result<ledger::Motes> read_credits(std::string_view text);
// The shortest such text.
std::string show_credits(ledger::Motes motes);

}  // namespace starling::cli
