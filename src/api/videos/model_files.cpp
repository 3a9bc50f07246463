#include "api/videos/model_files.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "api/ranged_file.h"
#include "api/videos/errors.h"
#include "models/weight_places.h"

namespace starling::api::videos {
namespace {

base::Result<std::string> weights_text(const VideoRules& rules) {
  STARLING_ASSIGN(const auto roots, models::weight_roots(*rules.model));
  STARLING_ASSIGN(const std::vector<models::WeightPlace> places, models::weight_places(*rules.model));
  base::Json files = base::Json::empty_array();
  for (const auto& [name, hash] : rules.model->file_hashes()) {
    base::Json file = base::Json::empty_object();
    file.set("name", name);
    file.set("sha256", hash.hex());
    files.push(std::move(file));
  }
  base::Json weights = base::Json::empty_array();
  for (const models::WeightPlace& place : places) {
    base::Json weight = base::Json::empty_object();
    weight.set("name", place.name);
    weight.set("type", exact::type_name(place.type));
    weight.set("root", roots.at(place.name).hex());
    weight.set("file", place.file);
    weight.set("at", place.at);
    weight.set("bytes", place.bytes);
    weights.push(std::move(weight));
  }
  base::Json json = base::Json::empty_object();
  json.set("object", "model.weights");
  json.set("root", rules.model_root.hex());
  json.set("files", std::move(files));
  json.set("weights", std::move(weights));
  return json.to_text();
}

// Made when it is first asked for, which reads all weights.
struct WeightList {
  std::mutex mutex;
  std::string text;
};

Response show_weights(const Gateway& gateway, WeightList& list, const Request& request) {
  if (!is_model(request.parameter("model"), gateway.rules)) return no_such_model();
  const std::unique_lock lock(list.mutex, std::try_to_lock);
  if (!lock) return refuse(503, "busy", "", "the weights are being read; ask again in a moment");
  if (list.text.empty()) {
    base::Result<std::string> text = weights_text(gateway.rules);
    if (!text.ok()) return refuse(text.error());
    list.text = *std::move(text);
  }
  Response response;
  response.body = list.text;
  return response;
}

Response show_file(const Gateway& gateway, const Request& request) {
  const VideoRules& rules = gateway.rules;
  if (!is_model(request.parameter("model"), rules)) return no_such_model();
  const std::string name = request.parameter("component") + "/" + request.parameter("file");
  const auto files = rules.model->files();
  if (!files.ok()) return refuse(files.error());
  const auto found = std::ranges::find(*files, name, &models::Checkpoint::File::name);
  if (found == files->end() || !name.ends_with(".safetensors")) {
    return refuse(404, "not_found", "file",
                  "the model has no such file of weights; GET /v1/models/{model}/weights names them");
  }
  base::Result<OpenFile> file = OpenFile::open(rules.model->folder() / name);
  if (!file.ok()) return refuse(file.error());
  return ranged_file(request, *std::move(file), rules.model_root.hex().substr(0, 16) + "-" + name,
                     "private, max-age=3600");
}

}  // namespace

std::vector<Route> model_file_routes(const Gateway& gateway) {
  const auto list = std::make_shared<WeightList>();
  return {get_on_worker("/v1/models/{model}/weights",
                        [gateway, list](const Request& request) { return show_weights(gateway, *list, request); }),
          get_on_worker("/v1/models/{model}/files/{component}/{file}",
                        [gateway](const Request& request) { return show_file(gateway, request); })};
}

}  // namespace starling::api::videos
