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
#include <system_error>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/interrupt.h"
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

// named: the file's name and ": ", if the person knows one.
base::Error unreadable(const std::string& named) {
  return base::corrupt(named + "the file cannot be read as a video or picture: give another copy of it");
}

base::Error too_much(const std::string& named) {
  return base::limit_error(named +
                           "the file takes more memory or time to read than it may: give a smaller or shorter one");
}

// "CODE\nmessage" as an error.
base::Error told(base::ByteView bytes) {
  const std::string text(bytes.begin(), bytes.end());
  const std::size_t end = text.find('\n');
  const std::string code = text.substr(0, end);
  for (const base::ErrorCode one :
       {base::ErrorCode::kInvalidArgument, base::ErrorCode::kCorrupt, base::ErrorCode::kUnsupported,
        base::ErrorCode::kLimit, base::ErrorCode::kNotFound, base::ErrorCode::kIo}) {
    if (code == base::error_code_name(one) && end != std::string::npos && text.size() <= kMostMessage) {
      return {one, text.substr(end + 1)};
    }
  }
  return unreadable("");
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

// path: empty if the file is the standard input.
base::Status fit_input(const std::string& path, const TextToVideo& request, std::int64_t most) {
  const auto take = [](base::ByteView frame) { return write_all(STDOUT_FILENO, frame); };
  if (!path.empty()) return fit_clip_into(std::filesystem::path(path), request, most, take);
  STARLING_ASSIGN(const base::MappedFile file, base::MappedFile::open("/proc/self/fd/0"));
  return fit_clip_into(file.bytes(), request, most, take);
}

int tell(const base::Error& error) {
  (void)::ftruncate(STDOUT_FILENO, 0);
  (void)::lseek(STDOUT_FILENO, 0, SEEK_SET);
  (void)write_all(STDOUT_FILENO, base::as_bytes(std::string(base::error_code_name(error.code)) + "\n" + error.message));
  return kRefused;
}

base::Error no_room() {
  return base::io_error("there is no memory or descriptor for reading a picture or clip: try again later");
}

// Waits for the process's end, so long at most and until an interrupt; its exit code.
int end_of(base::ChildProcess& child, std::chrono::milliseconds patience, bool interruptible) {
  constexpr std::chrono::milliseconds kPause{5};
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!child.exit_code() && std::chrono::steady_clock::now() < end && !(interruptible && base::interrupted())) {
    std::this_thread::sleep_for(kPause);
  }
  return child.wait(std::chrono::milliseconds(0));
}

// path: of the file; empty if it is what `input` holds.
base::Result<video::Frames> fit_apart(int input, const std::string& path, const TextToVideo& request, std::int64_t most,
                                      const ClipLimits& limits) {
  const MemoryFile output("frames");
  if (output.descriptor() < 0) return no_room();
  std::vector<std::string> arguments{"/proc/self/exe", kClipCommand};
  for (const std::int64_t number :
       {request.width, request.height, std::int64_t{request.rate.numerator}, std::int64_t{request.rate.denominator},
        most, static_cast<std::int64_t>(limits.memory), std::int64_t{limits.time.count()}}) {
    arguments.push_back(std::to_string(number));
  }
  if (!path.empty()) arguments.push_back(path);
  STARLING_ASSIGN(base::ChildProcess child,
                  base::ChildProcess::start(arguments, {.log = {}, .input = input, .output = output.descriptor()}));
  const int code = end_of(child, limits.patience, !path.empty());
  if (!path.empty()) STARLING_TRY(base::check_interrupt());
  constexpr int kSignals = 128;
  const std::string named = path.empty() ? path : path + ": ";
  if (code > kSignals) {
    return code == kSignals + SIGKILL || code == kSignals + SIGXCPU ? too_much(named) : unreadable(named);
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

}  // namespace

base::Result<video::Frames> fit_clip_apart(base::ByteView file, const TextToVideo& request, std::int64_t most,
                                           const ClipLimits& limits) {
  const MemoryFile input("clip");
  if (input.descriptor() < 0) return no_room();
  STARLING_TRY(write_all(input.descriptor(), file));
  return fit_apart(input.descriptor(), "", request, most, limits);
}

base::Result<video::Frames> fit_clip_apart(const std::filesystem::path& file, const TextToVideo& request,
                                           std::int64_t most, const ClipLimits& limits) {
  return fit_apart(-1, file.string(), request, most, limits);
}

ClipLimits limits_of_clip(const std::filesystem::path& file) {
  constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
  constexpr std::uint64_t kMost = 24 * 180;  // mebibytes that count: a day
  ClipLimits limits;
  limits.memory = 4096 * kMebibyte;
  std::error_code error;
  const std::uint64_t bytes = std::filesystem::file_size(file, error);
  // Of a sequence of pictures none has that name.
  const std::uint64_t counted = error ? kMost : std::min(bytes / kMebibyte + 3, kMost);
  limits.time *= static_cast<std::int64_t>(counted);
  limits.patience *= static_cast<std::int64_t>(counted);
  return limits;
}

int run_clip_process(std::span<const std::string> arguments) {
  std::array<std::int64_t, kNumbers> numbers{};
  if (arguments.size() != kNumbers && arguments.size() != kNumbers + 1) {
    return tell(base::invalid("this is for other commands of starling alone"));
  }
  for (std::size_t i = 0; i < kNumbers; ++i) {
    const std::string& text = arguments[i];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
    if (error != std::errc() || end != text.data() + text.size() || numbers[i] < 0) {
      return tell(base::invalid("this is for other commands of starling alone"));
    }
  }
  TextToVideo request;
  request.width = numbers[0];
  request.height = numbers[1];
  request.rate = {numbers[2], numbers[3]};
  take_limits(static_cast<std::uint64_t>(numbers[5]), static_cast<std::uint64_t>(numbers[6]));
  const std::string path = arguments.size() > kNumbers ? arguments[kNumbers] : std::string();
  try {
    const base::Status done = fit_input(path, request, numbers[4]);
    return done.ok() ? 0 : tell(done.error());
  } catch (const std::bad_alloc&) {
    return tell(too_much(path.empty() ? path : path + ": "));
  }
}

}  // namespace starling::generate
