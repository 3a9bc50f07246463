#include <string>
#include <vector>

#include "cli/command.h"

int main(int argc, char** argv) { return starling::cli::run_program(std::vector<std::string>(argv, argv + argc)); }
