#include "api/videos/model_endpoints.h"

#include <sstream>
#include <string>
#include <utility>

#include "api/videos/errors.h"
#include "base/file.h"
#include "base/utf8.h"

namespace starling::api::videos {
namespace {

// What the model can do and is used with, for whoever asks it for something.
base::Json abilities_json(const VideoRules& rules) {
  const models::ModelConfig& config = rules.model->config();
  base::Json usual = base::Json::empty_object();
  usual.set("size", std::to_string(rules.usual.width) + "x" + std::to_string(rules.usual.height));
  usual.set("fps", rules.usual.rate.text());
  usual.set("num_frames", rules.usual.frames);
  usual.set("steps", rules.usual.steps);
  usual.set("guidance", static_cast<double>(rules.usual.guidance));
  base::Json words = base::Json::empty_array();
  std::istringstream lines(rules.model->known_words().to_text());
  for (std::string word; std::getline(lines, word);) words.push(word);
  base::Json json = base::Json::empty_object();
  json.set("root", rules.model_root.hex());
  json.set("parameters", rules.model->parameter_count());
  json.set("size_stride", generate::size_stride(config));
  json.set("frame_stride", generate::frame_stride(config));
  json.set("most_pixels", rules.most_pixels);
  json.set("most_steps", generate::kMaxSteps);
  json.set("goes_on", rules.window > 0);
  json.set("network", rules.network);
  json.set("usual", std::move(usual));
  json.set("words", std::move(words));
  return json;
}

base::Json model_json(const VideoRules& rules) {
  base::Json json = base::Json::empty_object();
  json.set("id", rules.model_name);
  json.set("object", "model");
  json.set("created", rules.model_created);
  json.set("owned_by", "starling");
  json.set("starling", abilities_json(rules));
  return json;
}

Response list_models(const Gateway& gateway, const Request& /*request*/) {
  base::Json data = base::Json::empty_array();
  data.push(model_json(gateway.rules));
  base::Json json = base::Json::empty_object();
  json.set("object", "list");
  json.set("data", std::move(data));
  return json_response(json);
}

Response show_model(const Gateway& gateway, const Request& request) {
  if (is_model(request.parameter("model"), gateway.rules)) return json_response(model_json(gateway.rules));
  return no_such_model();
}

constexpr std::size_t kMostCard = std::size_t{256} << 10;
constexpr base::JsonLimits kScoreLimits = {kMostCard, 8, 4096};

// What whoever made the model says of it: the README.md in its folder, as model cards are called where models are
// published, and scores.json, as starling evaluate --json prints it. Either may be missing; neither is believed to be
// more than a text and a JSON object.
Response show_card(const Gateway& gateway, const Request& request) {
  const VideoRules& rules = gateway.rules;
  if (!is_model(request.parameter("model"), rules)) return no_such_model();
  base::Json json = base::Json::empty_object();
  json.set("object", "model.card");
  json.set("id", rules.model_name);
  const base::Result<std::string> text = base::read_text_file(rules.model_folder / "README.md", kMostCard);
  json.set("text", text.ok() && base::valid_utf8(*text) ? base::Json(*text) : base::Json());
  json.set("scores", base::Json());
  const base::Result<std::string> scores = base::read_text_file(rules.model_folder / "scores.json", kMostCard);
  if (scores.ok()) {
    base::Result<base::Json> parsed = base::Json::parse(*scores, "scores.json", kScoreLimits);
    if (parsed.ok() && parsed->is_object()) json.set("scores", *std::move(parsed));
  }
  return json_response(json);
}

Route route(const Gateway& gateway, std::string pattern, Runs runs,
            Response (*endpoint)(const Gateway&, const Request&)) {
  Route route =
      get_route(std::move(pattern), [gateway, endpoint](const Request& request) { return endpoint(gateway, request); });
  route.runs = runs;
  return route;
}

}  // namespace

std::vector<Route> model_routes(const Gateway& gateway) {
  return {route(gateway, "/v1/models", Runs::kHere, list_models),
          route(gateway, "/v1/models/{model}", Runs::kHere, show_model),
          route(gateway, "/v1/models/{model}/card", Runs::kOnWorker, show_card)};
}

}  // namespace starling::api::videos
