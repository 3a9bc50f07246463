#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/partial.h"
#include "base/result.h"

namespace starling::base {

// Permissions of a file that is made, before the process's umask.
enum class FileMode : unsigned {
  kShared = 0644,
  kPrivate = 0600,  // for secrets: only the owner reads it
};

// The whole of a regular file of at most limit bytes. kNotFound if there is none, kLimit if it is longer.
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t limit);
Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t limit);

// What is sure of a file once it has its name, should the machine then stop.
enum class Durability : std::uint8_t {
  kThere,  // it is there
  kWhole,  // if it is there it is whole; for what can be made again
};

// A file that appears under its name all at once, or not at all. It is written beside its final place under a hidden
// name (partial.h); commit() makes it durable (fsync of the file, rename and, for kThere, fsync of the directory), and
// destroying it without commit() removes it. A link is followed to the file it names. Not thread safe.
class AtomicFile {
 public:
  // An error if the directory is missing or not writable, or if something other than a regular file has the name.
  static Result<AtomicFile> create(const std::filesystem::path& path, FileMode mode = FileMode::kShared);
  Status write(ByteView bytes);
  // For libraries that open a file by name. Write either through this name or through write(), not both.
  const std::filesystem::path& temporary_path() const { return partial_.path(); }
  const std::filesystem::path& path() const { return path_; }
  // After this nothing but destruction is allowed. On failure the temporary file is gone and an older file is as it
  // was.
  Status commit(Durability durability = Durability::kThere);

 private:
  AtomicFile(std::filesystem::path path, Partial partial) : path_(std::move(path)), partial_(std::move(partial)) {}
  std::filesystem::path path_;
  Partial partial_;
};

// Creates or replaces a file in one durable step.
Status write_file(const std::filesystem::path& path, ByteView bytes, FileMode mode = FileMode::kShared);
// Creates a file in one durable step; kInvalidArgument if something has that name already, also when two processes
// race.
Status write_new_file(const std::filesystem::path& path, ByteView bytes, FileMode mode = FileMode::kShared);
// Makes a directory and those above it; fine if it is there. New ones are private (0700) when mode is kPrivate.
Status make_directories(const std::filesystem::path& path, FileMode mode = FileMode::kShared);
// How many bytes may still be written on the disk that holds path.
Result<std::uint64_t> free_bytes(const std::filesystem::path& path);
// fsyncs a directory, so that names made or removed in it last.
Status sync_directory(const std::filesystem::path& path);

// A read-only map of a regular file. The bytes stay valid while the object lives; a file that somebody else shortens
// meanwhile ends the process (SIGBUS), so map only files that are not written in place.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  ByteView bytes() const { return {data_, size_}; }

 private:
  MappedFile(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// The error for an operating system call that failed with number (errno): what was tried, on what, why, what to do.
// action is a verb in the infinitive, such as "read".
Error system_error(std::string_view action, const std::filesystem::path& path, int number);

}  // namespace starling::base
