#include "cli/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/terminal.h"

namespace starling::cli {

void print(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);  // whoever waits for the line reads it now; finish_output() says whether it was written
}

void print_json(const base::Json& object) { print(object.to_text()); }

// What a file or a stranger wrote may be in it; it shall neither steer the terminal nor begin a line of its own.
void note(std::string_view sentence) { base::write_line(base::without_controls(sentence)); }

int finish_output(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  note(std::string("starling: the result could not be written to standard output: ") + std::strerror(errno));
  return kFailed;
}

int report(const base::Error& error, bool json) {
  note("starling: " + error.message);
  if (json) {
    base::Json details = base::Json::empty_object();
    details.set("code", base::error_code_name(error.code));
    details.set("message", error.message);
    base::Json object = base::Json::empty_object();
    object.set("error", std::move(details));
    print_json(object);
    finish_output(kFailed);
  }
  return kFailed;
}

}  // namespace starling::cli
