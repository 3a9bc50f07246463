#pragma once

#include <string_view>

namespace starling::base {

// Standard error, shared by log lines and a status line that is redrawn in place. Thread safe.
bool stderr_is_terminal();
int stderr_columns();  // 80 when the terminal does not say
// Writes the text and a newline. A status line on the screen moves down below it.
void write_line(std::string_view text);
// Draws or redraws the status line; empty removes it. Only for a terminal.
void draw_status_line(std::string_view text);

}  // namespace starling::base
