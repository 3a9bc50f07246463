#include "node/part_input.h"

#include <algorithm>
#include <limits>

#include "base/json.h"

namespace starling::node {
namespace {

constexpr const char* kTask = "text_to_video";

}  // namespace

base::Bytes encode_part_input(const PartInput& input) {
  base::Json json = base::Json::empty_object();
  json.set("model", "0x" + input.model.hex());
  json.set("parameters", generate::to_json(input.request));
  json.set("task", kTask);
  const std::string text = json.to_text();
  base::Bytes bytes(text.begin(), text.end());
  if (input.given) {
    bytes.push_back('\n');
    bytes.insert(bytes.end(), input.given->rgb.begin(), input.given->rgb.end());
  }
  return bytes;
}

base::Result<PartInput> decode_part_input(base::ByteView bytes) {
  if (bytes.size() > kMaxPartInputBytes) return base::corrupt("the input of a part is longer than any is");
  const auto end = std::find(bytes.begin(), bytes.end(), '\n');
  const std::string text(bytes.begin(), end);
  STARLING_ASSIGN(const base::Json json, base::Json::parse(text, "the input of a part"));
  STARLING_ASSIGN(const std::string task, json.text("task"));
  if (task != kTask) return base::unsupported("a task of the kind \"" + task + "\" is not known here");
  PartInput input;
  STARLING_ASSIGN(const std::string model, json.text("model"));
  STARLING_ASSIGN(input.model, base::Hash::from_hex(model));
  STARLING_ASSIGN(const base::Json* const parameters, json.object("parameters"));
  STARLING_ASSIGN(input.request, generate::text_to_video_from_json(*parameters));
  const base::Bytes again = encode_part_input(input);
  if (text != std::string(again.begin(), again.end())) return base::corrupt("the input of a part is not canonical");
  if (input.request.has_given() != (end != bytes.end())) {
    return base::corrupt("the input of a part lacks the frames that it goes on from, or has some that it does not");
  }
  if (input.request.has_given()) {
    const auto pixels = bytes.subspan(text.size() + 1);
    STARLING_ASSIGN(input.given, generate::given_from_pixels(input.request, pixels));
  }
  return input;
}

std::uint64_t priced_work(const exact::Work& work) {
  const std::uint64_t sum = work.f32_multiply_adds + work.i8_multiply_adds;
  return sum < work.f32_multiply_adds ? std::numeric_limits<std::uint64_t>::max() : sum;
}

std::uint64_t needed_mebibytes(const generate::VideoJob& job) {
  return (static_cast<std::uint64_t>(job.peak_bytes()) >> 20U) + 1;
}

bool same_program(const generate::TextToVideo& a, const generate::TextToVideo& b) {
  generate::TextToVideo other = b;
  other.prompt = a.prompt;
  other.negative = a.negative;
  other.seed = a.seed;
  if (a.has_given() && b.has_given()) other.given = a.given;
  return generate::to_json(a).to_text() == generate::to_json(other).to_text();
}

}  // namespace starling::node
