#include <csignal>
#include <span>
#include <string>
#include <vector>

#include "cli/command.h"
#include "generate/clip_process.h"

int main(int argc, char** argv) {
  // A write past the limit on a file's size shall fail like one on a full disk, not end the process on the spot.
  std::signal(SIGXFSZ, SIG_IGN);
  const std::vector<std::string> arguments(argv, argv + argc);
  // How others of its commands read pictures and clips.
  if (arguments.size() > 1 && arguments[1] == starling::generate::kClipCommand) {
    return starling::generate::run_clip_process(std::span(arguments).subspan(2));
  }
  return starling::cli::run_program(arguments);
}
