// A log of blocks with hostile bytes behind its beginning: it is read as far as it holds blocks that follow one
// another, cut off there, and read the same again; or it is refused.
#include "consensus/block_log.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/log.h"

namespace {

using namespace starling;
namespace fs = std::filesystem;

struct Folder {
  Folder() : path(fs::temp_directory_path() / ("starling_fuzz_log_" + std::to_string(::getpid()))) {
    base::set_log(base::LogLevel::kSilent, base::LogFormat::kText);
    fs::remove_all(path);
    if (!consensus::BlockLog::begin(path, before).ok()) std::abort();
    std::ifstream file(this->file(), std::ios::binary);
    head.assign(std::istreambuf_iterator<char>(file), {});
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path file() const { return path / "00000000000000000001.blocks"; }

  fs::path path;
  consensus::SignedHeader before;
  std::string head;
};

// The number of blocks, or -1.
int recover(const Folder& folder) {
  const auto log = consensus::BlockLog::open(folder.path, 1U << 20U);
  if (!log.ok()) std::abort();
  int blocks = 0;
  const auto status = (*log)->recover(
      folder.before, std::nullopt, [&](const consensus::Block& block, const consensus::LogPosition& position) {
        const auto read = (*log)->read(position);
        if (!read.ok() || consensus::encode_block(*read) != consensus::encode_block(block)) std::abort();
        if (block.header.header.height != static_cast<std::uint64_t>(++blocks)) std::abort();
        return base::Status();
      });
  return status.ok() ? blocks : -1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  {
    std::ofstream file(folder.file(), std::ios::binary | std::ios::trunc);
    file.write(folder.head.data(), static_cast<std::streamsize>(folder.head.size()));
    file.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  }
  const int blocks = recover(folder);
  if (recover(folder) != blocks) std::abort();
  return 0;
}
