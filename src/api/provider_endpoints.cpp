#include "api/provider_endpoints.h"

#include <limits>
#include <utility>

namespace starling::api {
namespace {

Route part_route(const char* pattern, PartQuery query) {
  return get_on_worker(pattern, [query = std::move(query)](const Request& request) {
    const auto task = request.parameter_u64("task");
    if (!task.ok()) return bad_request(task.error());
    const auto part = request.parameter_u64("part");
    if (!part.ok()) return bad_request(part.error());
    if (*part > std::numeric_limits<std::uint32_t>::max())
      return bad_request(base::invalid("no task has so many parts"));
    const base::Result<base::Json> json = query(*task, static_cast<std::uint32_t>(*part));
    return json.ok() ? json_response(*json) : error_response(json.error());
  });
}

}  // namespace

std::vector<Route> provider_routes(PartQuery result, PartQuery progress) {
  std::vector<Route> routes;
  routes.push_back(part_route("/v1/results/{task}/{part}", std::move(result)));
  routes.push_back(part_route("/v1/progress/{task}/{part}", std::move(progress)));
  return routes;
}

Route model_files_route(ModelFilesQuery query) {
  return get_on_worker("/v1/models/{root}/files", [query = std::move(query)](const Request& request) {
    const auto root = request.parameter_hash("root");
    if (!root.ok()) return bad_request(root.error());
    const auto files = query(*root);
    if (!files.ok()) return error_response(files.error());
    return json_response(node::model_files_json(*files));
  });
}

}  // namespace starling::api
