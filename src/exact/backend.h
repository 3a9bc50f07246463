#pragma once

#include "base/result.h"

namespace starling::exact {

// Whether an engine can be made of the backend that STARLING_BACKEND names, if it is set: Engine::create's error if
// not. For who runs it later, and would rather know before.
base::Status check_backend();

}  // namespace starling::exact
