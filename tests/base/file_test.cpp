#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "base/interrupt.h"
#include "base/temporary.h"
#include "temporary_folder.h"

namespace starling::base {
namespace {

namespace fs = std::filesystem;

class Files : public FolderTest {
 protected:
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::size_t entries() const { return temporary_.entries(); }

  const std::string directory_ = folder_.string();
};

TEST_F(Files, WritesAndReadsBack) {
  for (const std::size_t size : {0UL, 1UL, 4096UL, 100000UL}) {
    Bytes content(size);
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<std::uint8_t>(i * 7);
    ASSERT_TRUE(write_file(path("file"), content).ok());
    const Result<Bytes> back = read_file(path("file"), size);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, content);
    const Result<MappedFile> map = MappedFile::open(path("file"));
    ASSERT_TRUE(map.ok());
    EXPECT_EQ(Bytes(map->bytes().begin(), map->bytes().end()), content);
  }
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, ReadingIsBounded) {
  ASSERT_TRUE(write_file(path("file"), Bytes(100)).ok());
  EXPECT_EQ(read_file(path("file"), 99).error().code, ErrorCode::kLimit);
  EXPECT_EQ(read_file("/dev/zero", 99).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_file(directory_, 99).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_file(path("none"), 99).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(MappedFile::open(path("none")).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(MappedFile::open(directory_).ok());
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(read_file(path("pipe"), 99).ok());
  // A file of /proc says that it is empty, and is not.
  EXPECT_FALSE(read_text_file("/proc/self/status", 1 << 16)->empty());
  EXPECT_EQ(read_text_file("/proc/self/status", 10).error().code, ErrorCode::kLimit);
}

TEST_F(Files, ModesAreAsAsked) {
  ASSERT_TRUE(write_file(path("secret"), as_bytes("s"), FileMode::kPrivate).ok());
  EXPECT_EQ(fs::status(path("secret")).permissions(), fs::perms(0600));
  ASSERT_TRUE(make_directories(path("a/b/c"), FileMode::kPrivate).ok());
  EXPECT_EQ(fs::status(path("a/b")).permissions(), fs::perms(0700));
  EXPECT_TRUE(make_directories(path("a/b/c")).ok());
  EXPECT_FALSE(make_directories(path("secret/d")).ok());
  EXPECT_FALSE(make_directories("").ok());
}

TEST_F(Files, UncommittedFilesVanish) {
  ASSERT_TRUE(write_file(path("file"), as_bytes("old")).ok());
  {
    Result<AtomicFile> staged = AtomicFile::create(path("file"));
    ASSERT_TRUE(staged.ok());
    ASSERT_TRUE(staged->write(as_bytes("new")).ok());
    EXPECT_EQ(entries(), 2U);
    AtomicFile moved = *std::move(staged);
    EXPECT_EQ(entries(), 2U);
  }
  EXPECT_EQ(entries(), 1U);
  EXPECT_EQ(*read_text_file(path("file"), 10), "old");
}

TEST_F(Files, CommitReplacesOnce) {
  ASSERT_TRUE(write_file(path("file"), as_bytes("old")).ok());
  Result<AtomicFile> staged = AtomicFile::create(path("file"));
  ASSERT_TRUE(staged.ok());
  ASSERT_TRUE(staged->write(as_bytes("n")).ok());
  ASSERT_TRUE(staged->write(as_bytes("ew")).ok());
  EXPECT_EQ(*read_text_file(path("file"), 10), "old");
  ASSERT_TRUE(staged->commit().ok());
  EXPECT_EQ(*read_text_file(path("file"), 10), "new");
  EXPECT_FALSE(staged->commit().ok());
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, WritesOnlyWhereARegularFileMayBe) {
  EXPECT_FALSE(write_file("/dev/null", as_bytes("x")).ok());
  EXPECT_FALSE(write_file(directory_, as_bytes("x")).ok());
  EXPECT_FALSE(write_file("", as_bytes("x")).ok());
  EXPECT_EQ(write_file(path("none/file"), as_bytes("x")).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(write_file(path("real"), as_bytes("old")).ok());
  fs::create_symlink(path("real"), path("link"));
  ASSERT_TRUE(write_file(path("link"), as_bytes("new")).ok());
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(*read_text_file(path("real"), 10), "new");
  fs::create_symlink(path("missing"), path("broken"));
  EXPECT_FALSE(write_file(path("broken"), as_bytes("x")).ok());
}

TEST_F(Files, NewFilesNeverReplace) {
  ASSERT_TRUE(write_new_file(path("key"), as_bytes("first"), FileMode::kPrivate).ok());
  EXPECT_EQ(write_new_file(path("key"), as_bytes("second")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(*read_text_file(path("key"), 10), "first");
  EXPECT_EQ(entries(), 1U);
}

// A limit on file size stops a write half-way, as a full disk does.
TEST_F(Files, AFailedWriteLeavesNothing) {
  ASSERT_TRUE(write_file(path("file"), as_bytes("old")).ok());
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small { 1000, before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status replaced = write_file(path("file"), Bytes(5000));
  const Status made = write_new_file(path("new"), Bytes(5000));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(replaced.error().code, ErrorCode::kIo);
  EXPECT_EQ(made.error().code, ErrorCode::kIo);
  EXPECT_EQ(*read_text_file(path("file"), 10), "old");
  EXPECT_EQ(entries(), 1U);
}

// What a second Ctrl-C does: every kind of name goes, also of several files at once, and nothing else.
TEST_F(Files, ASignalThatEndsTheProgramLeavesNoTemporaries) {
  ASSERT_TRUE(write_file(path("old"), as_bytes("old")).ok());
  EXPECT_EXIT(
      {
        const Result<AtomicFile> first = AtomicFile::create(path("old"));
        Result<AtomicFile> second = AtomicFile::create(path("second"));
        const AtomicFile moved = *std::move(second);
        ASSERT_TRUE(AtomicFile::create(path("third"))->commit().ok());
        const TemporaryName outer(path("outer"), TemporaryKind::kEmptyFolder);
        const TemporaryName inner(path("outer/inner"), TemporaryKind::kFolder);
        const TemporaryName used(path("used"), TemporaryKind::kEmptyFolder);
        for (const char* folder : {"outer/inner", "used"}) ASSERT_TRUE(make_directories(path(folder)).ok());
        ASSERT_TRUE(write_file(path("used/file"), as_bytes("kept")).ok());
        for (int i = 0; i < 300; ++i) ASSERT_EQ(::mknod(path("outer/inner/" + std::to_string(i)).c_str(), 0600, 0), 0);
        { const TemporaryName forgotten(path("third")); }
        const TemporaryName tree(path("tree"), TemporaryKind::kTree);
        ASSERT_TRUE(make_directories(path("tree/a/b/c")).ok());
        for (const char* name : {"tree/x", "tree/a/x", "tree/a/b/x", "tree/a/b/c/x"}) {
          ASSERT_TRUE(write_file(path(name), as_bytes("x")).ok());
        }
        std::filesystem::create_directory_symlink(path("used"), path("tree/a/link"));
        catch_interrupts();
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
  EXPECT_EQ(entries(), 3U);
  EXPECT_EQ(*read_text_file(path("old"), 10), "old");
  EXPECT_EQ(*read_text_file(path("third"), 10), "");
  EXPECT_EQ(*read_text_file(path("used/file"), 10), "kept");
}

TEST_F(Files, NamesAreForgottenWhenTheTableIsUsedOften) {
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(AtomicFile::create(path("file")).ok());
  const Result<AtomicFile> last = AtomicFile::create(path("last"));
  ASSERT_TRUE(last.ok());
  remove_temporaries();
  EXPECT_EQ(entries(), 0U);
}

TEST_F(Files, WhatKilledProcessesLeftGoesAndWhatLivingOnesWriteStays) {
  // A killed process leaves its names; its locks are gone.
  const std::string salt = ".0123456789abcdef.part";
  const auto leave = [&](const std::string& name) { ASSERT_EQ(::mknod(path(name).c_str(), 0600, 0), 0); };
  leave(".file" + salt);
  ASSERT_TRUE(make_directories(path(".file.fedcba9876543210.part")).ok());
  leave(".file.fedcba9876543210.part/frame");
  const std::set<std::string> others = {".file",         ".file.part",  ".file.0123.part",
                                        ".file2" + salt, "file" + salt, ".file.0123456789ABCDEF.part"};
  for (const std::string& name : others) leave(name);
  fs::create_symlink(path(".file"), path(".file.1111111111111111.part"));
  Result<AtomicFile> living = AtomicFile::create(path("file"));
  ASSERT_TRUE(living.ok());
  const Result<Partial> folder = Partial::make_folder(path("file"));
  ASSERT_TRUE(folder.ok());
  fs::create_symlink(path("file"), path("link"));

  remove_abandoned(path("file"));
  EXPECT_FALSE(fs::exists(path(".file" + salt)));
  EXPECT_FALSE(fs::exists(path(".file.fedcba9876543210.part")));
  for (const std::string& name : others) EXPECT_TRUE(fs::exists(path(name))) << name;
  EXPECT_TRUE(fs::is_symlink(path(".file.1111111111111111.part")));
  EXPECT_TRUE(fs::is_directory(folder->path()));
  ASSERT_TRUE(living->commit().ok());
  EXPECT_TRUE(fs::exists(path("file")));

  leave(".file" + salt);
  remove_abandoned(path("link"));
  EXPECT_FALSE(fs::exists(path(".file" + salt))) << "a link stands for the file it names";
}

TEST_F(Files, WhereNothingCanBeMadeIsNamed) {
  EXPECT_EQ(write_file("/proc/file", {}).error().message,
            "cannot write /proc/file: no file can be made in /proc; choose another folder");
  EXPECT_EQ(
      write_file(path("none/file"), {}).error().message,
      "cannot write " + path("none/file") + ": there is no folder " + path("none") + "; make it, or choose another");
  EXPECT_EQ(make_directories("/proc/a/b").error().message,
            "cannot make the directory /proc/a/b: nothing can be made in /proc; choose another place");
}

TEST_F(Files, FullDisksAreNamed) {
  const Error error = system_error("write", "/a/b", ENOSPC);
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_EQ(error.message, "cannot write /a/b: the disk is full; free some space or choose another place");
}

TEST(FreeBytes, SaysWhatADiskHas) {
  EXPECT_GT(*free_bytes("/"), 0U);
  EXPECT_EQ(free_bytes("/nothing/here").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace starling::base
