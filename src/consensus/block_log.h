#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "consensus/block.h"
#include "store/data_file.h"

namespace starling::consensus {

// Where a block lies in the log.
struct LogPosition {
  Height file = 0;  // height of the first block of the file
  std::uint64_t offset = 0;

  bool operator==(const LogPosition&) const = default;
};

// The blocks of a chain in files, one after another, in the order of their heights (docs/consensus.md has the format).
// What is appended is on the disk before append() returns. Reading is thread safe, also beside one who appends.
class BlockLog {
 public:
  // Begins a log in a folder that holds none, with the blocks after this one.
  static base::Status begin(const std::filesystem::path& folder, const SignedHeader& before);
  static bool exists(const std::filesystem::path& folder);
  // file_bytes: a file ends at the first block beyond so many.
  static base::Result<std::unique_ptr<BlockLog>> open(const std::filesystem::path& folder, std::uint64_t file_bytes);

  // The header of the block before the first one of the log.
  const SignedHeader& base() const { return base_; }

  // Sees each block in the log after the one of this header, which lies at `position` (none: it is before the log or
  // before one of its files), and is ready to append behind the last one. A block that was being written when the
  // process or the machine stopped is cut off; anything else that cannot be read is an error, and so is a log that does
  // not reach the header's block. Must be called once, before append().
  using Visit = std::function<base::Status(Block block, const LogPosition& position)>;
  base::Status recover(const SignedHeader& last, const std::optional<LogPosition>& position, const Visit& visit);

  // Appends the next blocks, with one sync for all; where each lies. After a failed write the log is as before, and may
  // be written again; after a failed sync it refuses all further blocks.
  base::Result<std::vector<LogPosition>> append(std::span<const Block> blocks);
  bool writable() const { return !failed_; }
  base::Result<Block> read(const LogPosition& position) const;

 private:
  BlockLog(std::filesystem::path folder, std::uint64_t file_bytes)
      : folder_(std::move(folder)), file_bytes_(file_bytes) {}
  base::Status recover_file(Height first, std::uint64_t offset, bool last_file, BlockHeader& previous,
                            const Visit& visit);
  base::Result<std::shared_ptr<store::DataFile>> file(Height first) const;
  base::Status next_file(const SignedHeader& before);
  base::Status write(base::ByteView records);
  std::filesystem::path path_of(Height first) const;
  base::Error damaged(Height first, std::uint64_t offset, const std::string& what) const;

  std::filesystem::path folder_;
  std::uint64_t file_bytes_;
  SignedHeader base_;
  std::map<Height, SignedHeader> files_;  // by first height: the header before; fixed but for the last, under mutex_
  mutable std::mutex mutex_;              // of files_ and of open files
  mutable std::map<Height, std::shared_ptr<store::DataFile>> open_files_;
  // Of whoever appends.
  SignedHeader last_;
  Height writing_ = 0;  // first height of the last file
  std::uint64_t end_ = 0;
  bool failed_ = false;
};

}  // namespace starling::consensus
