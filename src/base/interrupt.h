#pragma once

#include "base/result.h"

namespace starling::base {

// From now on the first SIGINT, SIGTERM or SIGHUP sets a flag that long work polls; a second one ends the process at
// once, and takes with it only the files that were being written (temporary.h). A SIGHUP that is ignored, as under
// nohup, stays so.
void catch_interrupts();
bool interrupted();
// kCancelled once interrupted.
Status check_interrupt();
// Forgets an interrupt and catches the next one again.
void clear_interrupt();

}  // namespace starling::base
