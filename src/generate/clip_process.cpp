#include "generate/clip_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <new>
#include <vector>

#include "base/file.h"
#include "base/process.h"
#include "generate/clip_frames.h"

namespace starling::generate {

namespace {

constexpr int kRefused = 1;
constexpr std::size_t kNumbers = 7;
constexpr std::size_t kMostMessage = 4096;

// A file in memory that goes with its descriptor.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : descriptor_(::memfd_create(name, MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

base::Status write_all(int descriptor, base::ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return base::io_error("there is no room for what is read of a picture or clip");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

base::Result<base::Bytes> read_all(int descriptor) {
  const off_t size = ::lseek(descriptor, 0, SEEK_END);
  base::Bytes bytes(static_cast<std::size_t>(std::max<off_t>(size, 0)));
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t count = ::pread(descriptor, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return base::io_error("what was read of a picture or clip cannot be taken over");
    at += static_cast<std::size_t>(count);
  }
  return bytes;
}

// "CODE\nmessage" as an error.
base::Error told(base::ByteView bytes) {
  const std::string text(bytes.begin(), bytes.end());
  const std::size_t end = text.find('\n');
  const std::string code = text.substr(0, end);
  for (const base::ErrorCode one : {base::ErrorCode::kInvalidArgument, base::ErrorCode::kCorrupt,
                                    base::ErrorCode::kUnsupported, base::ErrorCode::kLimit}) {
    if (code == base::error_code_name(one) && end != std::string::npos && text.size() <= kMostMessage) {
      return {one, text.substr(end + 1)};
    }
  }
  return base::corrupt("the file cannot be read as a video or picture: give another copy of it");
}

void limit(int what, std::uint64_t soft, std::uint64_t hard) {
  const rlimit bound{soft, hard};
  (void)::setrlimit(what, &bound);
}

constexpr bool kSanitized =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

// Before anything is read. Sanitizers take memory of their own without bounds.
void take_limits(std::uint64_t memory, std::uint64_t seconds) {
  (void)::close_range(STDERR_FILENO + 1, ~0U, 0);
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_CPU, seconds, seconds + 1);
  if (!kSanitized) limit(RLIMIT_DATA, memory, memory);
}

base::Status fit_input(const TextToVideo& request, std::int64_t most) {
  STARLING_ASSIGN(const base::MappedFile file, base::MappedFile::open("/proc/self/fd/0"));
  return fit_clip_into(file.bytes(), request, most,
                       [](base::ByteView frame) { return write_all(STDOUT_FILENO, frame); });
}

int tell(const base::Error& error) {
  (void)::ftruncate(STDOUT_FILENO, 0);
  (void)::lseek(STDOUT_FILENO, 0, SEEK_SET);
  (void)write_all(STDOUT_FILENO, base::as_bytes(std::string(base::error_code_name(error.code)) + "\n" + error.message));
  return kRefused;
}

base::Error too_much() {
  return base::limit_error("the file takes more memory or time to read than it may: give a smaller or shorter one");
}

}  // namespace

base::Result<video::Frames> fit_clip_apart(base::ByteView file, const TextToVideo& request, std::int64_t most,
                                           const ClipLimits& limits) {
  const MemoryFile input("clip");
  const MemoryFile output("frames");
  if (input.descriptor() < 0 || output.descriptor() < 0) {
    return base::io_error("there is no memory or descriptor for reading a picture or clip: try again later");
  }
  STARLING_TRY(write_all(input.descriptor(), file));
  std::vector<std::string> arguments{"/proc/self/exe", kClipCommand};
  for (const std::int64_t number :
       {request.width, request.height, std::int64_t{request.rate.numerator}, std::int64_t{request.rate.denominator},
        most, static_cast<std::int64_t>(limits.memory), std::int64_t{limits.time.count()}}) {
    arguments.push_back(std::to_string(number));
  }
  STARLING_ASSIGN(
      base::ChildProcess child,
      base::ChildProcess::start(arguments, {.log = {}, .input = input.descriptor(), .output = output.descriptor()}));
  const int code = child.wait(limits.patience);
  constexpr int kSignals = 128;
  if (code > kSignals) {
    if (code == kSignals + SIGKILL || code == kSignals + SIGXCPU) return too_much();
    return base::corrupt("the file cannot be read as a video or picture: give another copy of it");
  }
  STARLING_ASSIGN(base::Bytes bytes, read_all(output.descriptor()));
  if (code == kRefused) return told(bytes);
  const std::size_t frame = static_cast<std::size_t>(request.width) * static_cast<std::size_t>(request.height) * 3;
  if (code != 0 || bytes.empty() || bytes.size() % frame != 0) {
    return base::io_error("the process that reads pictures and clips cannot be started");
  }
  video::Frames frames{static_cast<int>(request.width),
                       static_cast<int>(request.height),
                       static_cast<int>(bytes.size() / frame),
                       {static_cast<int>(request.rate.numerator), static_cast<int>(request.rate.denominator)},
                       {}};
  frames.rgb = std::move(bytes);
  return frames;
}

int run_clip_process(std::span<const std::string> arguments) {
  std::array<std::int64_t, kNumbers> numbers{};
  if (arguments.size() != kNumbers) return tell(base::invalid("this is for starling serve alone"));
  for (std::size_t i = 0; i < kNumbers; ++i) {
    const std::string& text = arguments[i];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
    if (error != std::errc() || end != text.data() + text.size() || numbers[i] < 0) {
      return tell(base::invalid("this is for starling serve alone"));
    }
  }
  TextToVideo request;
  request.width = numbers[0];
  request.height = numbers[1];
  request.rate = {numbers[2], numbers[3]};
  take_limits(static_cast<std::uint64_t>(numbers[5]), static_cast<std::uint64_t>(numbers[6]));
  try {
    const base::Status done = fit_input(request, numbers[4]);
    return done.ok() ? 0 : tell(done.error());
  } catch (const std::bad_alloc&) {
    return tell(too_much());
  }
}

}  // namespace starling::generate
