#include "api/provider_endpoints.h"

#include <limits>
#include <utility>

namespace starling::api {
namespace {

using FindProvider = std::function<const node::Provider*()>;

base::Result<node::PartName> part_name(const Request& request) {
  node::PartName name;
  STARLING_ASSIGN(name.task, request.parameter_u64("task"));
  STARLING_ASSIGN(const std::uint64_t part, request.parameter_u64("part"));
  if (part >= ledger::market::kMaxParts) return base::invalid("a task has at most 256 parts, numbered from 0");
  name.part = static_cast<std::uint32_t>(part);
  return name;
}

Response with_provider(const FindProvider& find, const std::function<Response(const node::Provider&)>& answer) {
  const node::Provider* const provider = find();
  if (provider == nullptr) return error_response(503, "BUSY", "the provider is starting; ask again in a moment");
  return answer(*provider);
}

// What a provider knows of one part.
template <typename Answer>
Handler about_part(FindProvider find, Answer answer) {
  return [find = std::move(find), answer](const Request& request) {
    const auto name = part_name(request);
    if (!name.ok()) return bad_request(name.error());
    return with_provider(find, [&](const node::Provider& provider) {
      const base::Result<base::Json> json = answer(provider, *name);
      return json.ok() ? json_response(*json) : error_response(json.error());
    });
  };
}

}  // namespace

Route model_files_route(node::ModelStore& models, std::function<std::int64_t()> now) {
  return get_on_worker("/v1/models/{root}/files", [&models, now = std::move(now)](const Request& request) {
    const auto root = request.parameter_hash("root");
    if (!root.ok()) return bad_request(root.error());
    const auto files = models.files(*root, now());
    return files.ok() ? json_response(node::model_files_json(*files)) : error_response(files.error());
  });
}

std::vector<Route> provider_routes(const std::function<const node::Provider*()>& provider) {
  std::vector<Route> routes;
  routes.push_back(get_on_worker(
      "/v1/results/{task}/{part}",
      about_part(provider, [](const node::Provider& from, const node::PartName& name) -> base::Result<base::Json> {
        STARLING_ASSIGN(const node::PartResult result, from.result(name));
        return result.files_json();
      })));
  routes.push_back(get_on_worker(
      "/v1/progress/{task}/{part}",
      about_part(provider, [](const node::Provider& from, const node::PartName& name) -> base::Result<base::Json> {
        STARLING_ASSIGN(const node::PartProgress progress, from.progress(name));
        return progress.json();
      })));
  routes.push_back(get_on_worker("/v1/provider", [provider](const Request& /*request*/) {
    return with_provider(provider, [](const node::Provider& from) { return json_response(from.status()); });
  }));
  return routes;
}

}  // namespace starling::api
