#pragma once

#include "ledger/context.h"
#include "ledger/models/messages.h"

namespace starling::ledger::models {

std::optional<Fault> handle(Context& context, const RegisterModel& message);
std::optional<Fault> handle(Context& context, const UpdateModel& message);

}  // namespace starling::ledger::models
