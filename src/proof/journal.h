#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "exact/program.h"
#include "proof/trace.h"

namespace starling::proof {

// The outputs of a run's calls as they end, in a file that outlives the process: whoever opens it again goes on after
// the last call that is whole (docs/trace.md has the format). What is damaged or cut off is as if it had not been
// written, with all that follows. A machine that loses power may lose calls, never give wrong ones. One process at a
// time; not thread safe.
class Journal final : public KeptOutputs {
 public:
  // run names the run (program, inputs, weights: whatever decides its bits): a file of another run is begun anew, as is
  // one that is no journal. The program outlives the journal.
  static base::Result<Journal> open(const std::filesystem::path& path, const exact::Program& program,
                                    const base::Hash& run);
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&& other) noexcept;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal() override;

  // Calls that are there, from the first on without a gap.
  std::uint32_t calls() const { return static_cast<std::uint32_t>(entries_.size()); }
  OutputRoots roots(std::uint32_t call) const;  // precondition: call < calls()
  bool has(std::uint32_t call, std::uint32_t output) const override;
  base::Result<exact::Tensor> read(std::uint32_t call, std::uint32_t output) const override;
  // The next call; kept: by output, whether its bytes are written. After an error only destruction is allowed.
  base::Status add(const OutputRoots& roots, const std::vector<exact::Tensor>& outputs, const std::vector<bool>& kept);

 private:
  struct Entry {
    base::Hash root;
    bool kept = false;
    std::uint64_t at = 0;  // in the file
  };
  Journal(std::filesystem::path path, int descriptor, const exact::Program& program, const base::Hash& run)
      : path_(std::move(path)), descriptor_(descriptor), program_(&program), check_(run) {}
  base::Status begin();
  // Enters the calls that are whole; false at the first that is not.
  base::Result<bool> find_call(std::uint64_t size);
  base::Status read_at(std::uint64_t offset, std::span<std::uint8_t> buffer) const;
  base::Status append(base::ByteView bytes);

  std::filesystem::path path_;
  int descriptor_ = -1;
  const exact::Program* program_;
  base::Hash check_;                         // of the last call, at first the run
  std::uint64_t end_ = 0;                    // where the next call begins
  std::vector<std::vector<Entry>> entries_;  // by call and output
};

}  // namespace starling::proof
