#include <csignal>
#include <string>
#include <vector>

#include "cli/command.h"

int main(int argc, char** argv) {
  // A write past the limit on a file's size shall fail like one on a full disk, not end the process on the spot.
  std::signal(SIGXFSZ, SIG_IGN);
  return starling::cli::run_program(std::vector<std::string>(argv, argv + argc));
}
