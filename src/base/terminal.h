#pragma once

#include <string>
#include <string_view>

namespace starling::base {

// Standard error, shared by log lines and a status line that is redrawn in place. Thread safe.
bool stderr_is_terminal();
int stderr_columns();  // 80 when the terminal does not say
// Writes the text and a newline. A status line on the screen moves down below it.
void write_line(std::string_view text);
// Draws or redraws the status line; empty removes it. Only for a terminal.
void draw_status_line(std::string_view text);

// Text that a stranger may have had a part in, as one line that cannot steer a terminal: every control character (C0,
// DEL, C1) is a question mark.
std::string without_controls(std::string_view text);

// What a stranger wrote, so that it cannot steer a terminal: every byte that is no printable ASCII is a question mark.
std::string printable(std::string text);

}  // namespace starling::base
