#include "cli/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace starling::cli {

void print(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

int finish_output(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  std::fprintf(stderr, "starling: the result could not be written to standard output: %s\n", std::strerror(errno));
  return kFailed;
}

int report(const base::Error& error, bool /*json*/) {
  std::fprintf(stderr, "starling: %s\n", error.message.c_str());
  return kFailed;
}

}  // namespace starling::cli
