#include "proof/program_file.h"

#include <cstring>
#include <string_view>

#include "base/encoding.h"
#include "base/file.h"

namespace starling::proof {
namespace {

constexpr std::string_view kProgramMagic = "starling program 1";
constexpr std::uint8_t kHere = 0;
constexpr std::uint8_t kInInputsFile = 1;

base::Error damaged(const char* what) { return base::corrupt(std::string("program file: ") + what); }

}  // namespace

base::Result<ProgramFile> read_program_file(base::ByteView file) {
  constexpr std::size_t kBegin = kProgramMagic.size() + sizeof(std::uint32_t);
  if (file.size() < kBegin || std::memcmp(file.data(), kProgramMagic.data(), kProgramMagic.size()) != 0) {
    return damaged("it is none");
  }
  const std::uint32_t size = base::Decoder(file.subspan(kProgramMagic.size(), sizeof(std::uint32_t))).u32();
  if (size > file.size() - kBegin) return damaged("it ends in its program");
  ProgramFile read;
  STARLING_ASSIGN(read.program, exact::Program::decode(file.subspan(kBegin, size)));
  base::ByteView rest = file.subspan(kBegin + size);
  for (const exact::GraphInput& input : read.program.inputs()) {
    if (rest.empty()) return damaged("it ends before an input");
    const std::uint8_t kind = rest[0];
    rest = rest.subspan(1);
    ProgramFile::Input& place = read.inputs.emplace_back();
    std::uint64_t bytes = sizeof(std::uint64_t);
    if (kind == kHere) bytes = static_cast<std::uint64_t>(input.shape.elements()) * exact::type_size(input.type);
    if (kind > kInInputsFile || bytes > rest.size()) return damaged("it ends in an input");
    place.bytes = rest.subspan(0, static_cast<std::size_t>(bytes));
    if (kind == kInInputsFile) place.at = base::Decoder(place.bytes).u64();
    rest = rest.subspan(place.bytes.size());
  }
  if (!rest.empty()) return damaged("it has bytes after its end");
  return read;
}

base::Status write_program_file(const std::filesystem::path& path, const exact::Program& program,
                                const std::vector<exact::Tensor>& inputs,
                                const std::vector<std::optional<std::uint64_t>>& at) {
  const base::Bytes encoded = program.encode();
  base::Encoder head;
  head.u32(static_cast<std::uint32_t>(encoded.size()));
  STARLING_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  STARLING_TRY(file.write(base::as_bytes(kProgramMagic)));
  STARLING_TRY(file.write(head.data()));
  STARLING_TRY(file.write(encoded));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    base::Encoder place;
    place.u8(at[i] ? kInInputsFile : kHere);
    if (at[i]) place.u64(*at[i]);
    STARLING_TRY(file.write(place.data()));
    if (!at[i]) STARLING_TRY(file.write(inputs[i].bytes()));
  }
  return file.commit(base::Durability::kWhole);
}

}  // namespace starling::proof
