#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"
#include "exact/program.h"
#include "exact/tensor.h"
#include "proof/trace_layout.h"

namespace starling::browser {

// What of a receipt calls are held against.
struct Claim {
  base::Hash model_root;
  base::Hash program_root;
  std::map<std::string, base::Hash> inputs;
  exact::Work work;
  std::vector<base::Hash> calls;
  std::vector<base::Hash> frames;

  // Hashes of model and program ‖ u32 count, inputs: text name ‖ hash ‖ u64 elements, multiply–adds of f32, of i8 ‖ u32
  // count, calls ‖ u32 count, frames.
  static base::Result<Claim> decode(base::ByteView bytes);
};

// What does not hold, for a page to say in its own words. Numbers are those of docs/browser.md.
struct Mismatch {
  enum class Part : std::uint8_t {
    kModel = 1,    // its list of files and weights is not of the model's root
    kProgram = 2,  // it is not the receipt's
    kInput = 3,    // an input of the program, by its name
    kTrace = 4,    // the file of outputs is not of the receipt's calls
    kWeight = 5,   // bytes of a weight, by its name, are not those of the model
    kOutput = 6,   // a call, by its number, gives other numbers than the receipt says
    kFrame = 7,    // a frame, by its number, likewise
  };
  Part part;
  std::string name;
};

// Nothing when all holds; an error when nothing can be said, such as of a call that is too large for this machine.
using Verdict = base::Result<std::optional<Mismatch>>;

// Checks calls of a program against a receipt, from bytes that anybody may have made: each is held against the roots in
// the receipt before it is used. Each step comes after those above it, and after a mismatch nothing may follow.
class CallCheck {
 public:
  explicit CallCheck(Claim claim) : claim_(std::move(claim)) {}

  // What the model's root is made of: u32 count, files: text name ‖ hash ‖ u32 count, weights likewise.
  Verdict take_model(base::ByteView leaves);
  // The program and its inputs, as a program file has them (docs/trace.md).
  Verdict take_program(base::ByteView file);
  // Whether inputs are among the pixels that the video goes on from; and these.
  bool wants_given() const;
  Verdict take_given(base::ByteView pixels);
  // The file of the calls' outputs.
  Verdict take_trace(base::Bytes file);

  std::uint32_t calls() const { return static_cast<std::uint32_t>(claim_.calls.size()); }
  // What it takes to check a call: itself and the calls before it whose outputs it reads and nobody kept.
  Verdict choose(std::uint32_t call);
  const std::vector<std::uint32_t>& chosen() const { return chosen_; }
  exact::Work work() const;
  // The weights that these read, by name. The next in order is wanted as the model stores it.
  const std::vector<std::string>& weights() const { return wanted_; }
  Verdict take_weight(exact::Type type, base::ByteView bytes);

  // Runs the chosen calls on the backend, and compares them with the receipt. progress is called now and then, with
  // what is done of what there is to do.
  using Progress = std::function<void(std::uint32_t done, std::uint32_t total)>;
  Verdict run(const std::string& backend, const Progress& progress);
  // The numbers that were compared: elements of the outputs.
  std::uint64_t numbers() const { return numbers_; }

 private:
  struct Input {
    exact::Tensor tensor;
    std::optional<std::uint64_t> at;  // among the given pixels
  };
  base::Result<exact::Tensor> operand(const exact::Binding& binding) const;
  Verdict compare(std::uint32_t call, const std::vector<exact::Tensor>& outputs);
  Verdict compare_frames(std::uint32_t call, const std::vector<exact::Tensor>& outputs) const;
  std::size_t frames_of(const exact::ProgramOutput& output) const;

  Claim claim_;
  std::map<std::string, base::Hash> weight_roots_;
  exact::Program program_;
  std::vector<Input> inputs_;
  base::Bytes trace_;
  std::vector<std::vector<proof::TraceEntry>> layout_;
  std::vector<std::uint32_t> chosen_;
  std::vector<std::string> wanted_;
  std::vector<std::uint32_t> wanted_index_;  // among the program's weights
  std::map<std::uint32_t, exact::Tensor> weights_;
  std::map<std::uint32_t, std::vector<exact::Tensor>> made_;  // outputs by call
  std::uint64_t numbers_ = 0;
};

}  // namespace starling::browser
