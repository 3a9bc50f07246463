// Runs a fuzz target without libFuzzer: on every file of a folder, and on some thousand changed copies of each, which
// are the same in every run. Stands in for libFuzzer's main where there is none.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

class Random {
 public:
  std::size_t below(std::size_t bound) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return bound == 0 ? 0 : static_cast<std::size_t>(state_ >> 33U) % bound;
  }

 private:
  std::uint64_t state_ = 1;
};

void change(Bytes& bytes, Random& random) {
  const std::size_t at = random.below(bytes.size());
  switch (random.below(5)) {
    case 0:
      if (!bytes.empty()) bytes[at] = static_cast<std::uint8_t>(random.below(256));
      break;
    case 1:
      if (!bytes.empty()) bytes[at] ^= static_cast<std::uint8_t>(1U << random.below(8));
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(random.below(256)));
      break;
    default: {
      // A piece of the input once more, where lists and names repeat.
      const std::size_t from = random.below(bytes.size());
      const Bytes piece(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                        bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), from + random.below(64))));
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), piece.begin(), piece.end());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 1;
  }
  constexpr int kCopies = 2000;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) files.push_back(entry.path());
  std::ranges::sort(files);
  Random random;
  for (const auto& path : files) {
    std::ifstream stream(path, std::ios::binary);
    const Bytes original{std::istreambuf_iterator<char>(stream), {}};
    LLVMFuzzerTestOneInput(original.data(), original.size());
    for (int copy = 0; copy < kCopies; ++copy) {
      Bytes changed = original;
      for (std::size_t count = 1 + random.below(4); count > 0; --count) change(changed, random);
      LLVMFuzzerTestOneInput(changed.data(), changed.size());
    }
  }
  std::printf("%zu files\n", files.size());
  return files.empty() ? 1 : 0;
}
