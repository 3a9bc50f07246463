#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "exact/program.h"
#include "exact/tensor.h"

namespace starling::proof {

// The program of a receipt with its inputs, for whoever runs calls of it elsewhere (docs/trace.md, "Program file").
struct ProgramFile {
  struct Input {
    base::ByteView bytes;             // in the file that was read
    std::optional<std::uint64_t> at;  // in the inputs file instead
  };
  exact::Program program;
  std::vector<Input> inputs;  // of the program, in its order
};

// Bounded; of inputs as many bytes as their shapes say. kCorrupt for anything that write_program_file() does not write.
base::Result<ProgramFile> read_program_file(base::ByteView file);

// at: by input, its place in the inputs file, if it lies there.
base::Status write_program_file(const std::filesystem::path& path, const exact::Program& program,
                                const std::vector<exact::Tensor>& inputs,
                                const std::vector<std::optional<std::uint64_t>>& at);

}  // namespace starling::proof
