#include "cli/prompt_expansion.h"

#include <algorithm>

#include "base/file.h"
#include "base/utf8.h"
#include "cli/output.h"
#include "train/training_receipt.h"
#include "train/world/prompt.h"

namespace starling::cli {

namespace {

constexpr std::int64_t kWorldOfPrompts = 2;

// Whether the model was trained on captions that prompts can be told as.
base::Status check_captions(const std::filesystem::path& model) {
  const std::string advice = ": write the prompt out, and leave --expand away";
  const auto file = model / train::kTrainingReceiptName;
  const auto text = base::read_text_file(file, train::kMaxTrainingReceiptBytes);
  if (!text.ok() && text.error().code == base::ErrorCode::kNotFound) {
    return base::invalid(model.string() + " has no " + std::string(train::kTrainingReceiptName) +
                         " that says what captions the model was trained on" + advice);
  }
  if (!text.ok()) return text.error();
  const auto receipt = train::parse_training_receipt(*text);
  if (!receipt.ok()) return base::Error{receipt.error().code, file.string() + ": " + receipt.error().message};
  if (receipt->recipe.source != "world" || receipt->recipe.world != kWorldOfPrompts) {
    return base::invalid("the model was trained on other captions than those that prompts can be told as" + advice);
  }
  return {};
}

}  // namespace

base::Result<std::string> expand_prompt(const std::filesystem::path& model, const std::string& prompt, bool moves) {
  STARLING_TRY(check_captions(model));
  const train::world::Understood understood = train::world::understand(prompt);
  const auto expanded = train::world::expand(understood, prompt, moves);
  if (!expanded) {
    return base::invalid(
        "the prompt speaks of nothing that this model knows, which are balls, boxes, triangles and stars: name one, "
        "such as \"a red ball\"");
  }
  std::string left_out;
  for (const std::string& word : understood.unknown) left_out += (left_out.empty() ? " (without " : ", ") + word;
  note("prompt: " + *expanded + (left_out.empty() ? "" : left_out + ")"));
  return *expanded;
}

}  // namespace starling::cli
