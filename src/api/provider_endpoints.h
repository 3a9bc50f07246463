#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/router.h"
#include "node/model_store.h"

namespace starling::api {

// Answers of a provider about a part of a task, as JSON. Called on workers, from several threads; kNotFound is 404.
using PartQuery = std::function<base::Result<base::Json>(std::uint64_t task, std::uint32_t part)>;

using ModelFilesQuery = std::function<base::Result<std::vector<node::ModelFile>>(const base::Hash& model)>;

// GET /v1/results/{task}/{part} and /v1/progress/{task}/{part}.
std::vector<Route> provider_routes(PartQuery result, PartQuery progress);
// GET /v1/models/{root}/files: {"files": [{"name", "bytes", "blob"}]}.
Route model_files_route(ModelFilesQuery query);

}  // namespace starling::api
