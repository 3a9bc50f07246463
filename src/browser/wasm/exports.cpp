// A CallCheck as the page's worker sees it (docs/browser.md): functions of numbers, bytes through one buffer each way.
#include <cstdint>
#include <optional>
#include <string>

#include "base/encoding.h"
#include "base/hash.h"
#include "browser/call_check.h"

// NOLINTBEGIN(readability-identifier-naming)
#define STARLING_EXPORT(name) extern "C" __attribute__((export_name(#name), used))

// The page's own.
extern "C" __attribute__((import_module("page"), import_name("progress"))) void page_progress(std::uint32_t done,
                                                                                              std::uint32_t total);
// NOLINTEND(readability-identifier-naming)

namespace starling::browser {
namespace {

base::Bytes given;  // what the page wrote for the next call
base::Bytes told;   // what the last call has to say
std::optional<CallCheck> check;

// What calls return: the rest is in `told`.
enum Answer : std::int32_t {
  kHolds = 0,
  kMismatch = 1,  // u8 part ‖ text name
  kError = 2,     // the sentence
};

std::int32_t say(const base::Error& error) {
  told.assign(error.message.begin(), error.message.end());
  return kError;
}

std::int32_t say(const Verdict& verdict) {
  told.clear();
  if (!verdict.ok()) return say(verdict.error());
  if (!*verdict) return kHolds;
  base::Encoder encoder;
  encoder.u8(static_cast<std::uint8_t>((*verdict)->part));
  encoder.text((*verdict)->name);
  told = encoder.data();
  return kMismatch;
}

std::int32_t out_of_order() { return say(base::internal_error("a check takes its parts in order")); }

}  // namespace
}  // namespace starling::browser

using starling::browser::check;
using starling::browser::given;
using starling::browser::told;
namespace browser = starling::browser;
namespace base = starling::base;

STARLING_EXPORT(room) std::uint8_t* room(std::uint32_t bytes) {
  given = base::Bytes(bytes);
  return given.data();
}
STARLING_EXPORT(answer) const std::uint8_t* answer() { return told.data(); }
STARLING_EXPORT(answer_bytes) std::uint32_t answer_bytes() { return static_cast<std::uint32_t>(told.size()); }

STARLING_EXPORT(take_claim) std::int32_t take_claim() {
  base::Result<browser::Claim> claim = browser::Claim::decode(given);
  if (!claim.ok()) return browser::say(claim.error());
  check.emplace(*std::move(claim));
  return browser::kHolds;
}
STARLING_EXPORT(take_model) std::int32_t take_model() {
  return check ? browser::say(check->take_model(given)) : browser::out_of_order();
}
STARLING_EXPORT(take_program) std::int32_t take_program() {
  return check ? browser::say(check->take_program(given)) : browser::out_of_order();
}
STARLING_EXPORT(wants_given) std::int32_t wants_given() { return check && check->wants_given() ? 1 : 0; }
STARLING_EXPORT(take_given) std::int32_t take_given() {
  return check ? browser::say(check->take_given(given)) : browser::out_of_order();
}
STARLING_EXPORT(take_trace) std::int32_t take_trace() {
  return check ? browser::say(check->take_trace(std::move(given))) : browser::out_of_order();
}

// Says: u32 count, calls: u32 ‖ u64 multiply–adds ‖ u32 count, weights: text name.
STARLING_EXPORT(choose) std::int32_t choose(std::uint32_t call) {
  if (!check) return browser::out_of_order();
  const std::int32_t answer = browser::say(check->choose(call));
  if (answer != browser::kHolds) return answer;
  base::Encoder encoder;
  encoder.u32(static_cast<std::uint32_t>(check->chosen().size()));
  for (const std::uint32_t chosen : check->chosen()) encoder.u32(chosen);
  const starling::exact::Work work = check->work();
  encoder.u64(work.f32_multiply_adds + work.i8_multiply_adds);
  encoder.u32(static_cast<std::uint32_t>(check->weights().size()));
  for (const std::string& name : check->weights()) encoder.text(name);
  told = encoder.data();
  return answer;
}
STARLING_EXPORT(take_weight) std::int32_t take_weight(std::uint32_t type) {
  if (!check) return browser::out_of_order();
  if (type > static_cast<std::uint32_t>(starling::exact::Type::kF16)) {
    return browser::say(base::invalid("there is no such type"));
  }
  return browser::say(check->take_weight(static_cast<starling::exact::Type>(type), given));
}

// Says: u64 numbers that were compared.
STARLING_EXPORT(run) std::int32_t run() {
  if (!check) return browser::out_of_order();
  const std::int32_t answer = browser::say(check->run("generic", page_progress));
  if (answer != browser::kHolds) return answer;
  base::Encoder encoder;
  encoder.u64(check->numbers());
  told = encoder.data();
  return answer;
}

// SHA-256, and Keccak-256, of what was given.
STARLING_EXPORT(sha256) void sha256() {
  const base::Hash hash = base::sha256(given);
  told.assign(hash.bytes.begin(), hash.bytes.end());
}
STARLING_EXPORT(keccak256) void keccak256() {
  const base::Hash hash = base::keccak256(given);
  told.assign(hash.bytes.begin(), hash.bytes.end());
}
