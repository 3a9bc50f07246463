#include "api/copy_endpoints.h"

#include <limits>
#include <string>
#include <utility>

#include "base/encoding.h"

namespace starling::api {
namespace {

using consensus::Chain;
using consensus::Height;

Response send_genesis(const std::filesystem::path& path) {
  base::Result<OpenFile> file = OpenFile::open(path);
  if (!file.ok()) {
    return error_response(
        base::not_found("this chain began from a snapshot and has no genesis here; begin a copy with starling ledger "
                        "import"));
  }
  const std::uint64_t size = file->size();
  Response response;
  response.file = FileRange{std::move(*file), 0, size};
  return response;
}

base::Result<base::Bytes> blocks_after(const Chain& chain, const Request& request) {
  STARLING_ASSIGN(const std::uint64_t after, request.query_u64("after", 0, std::numeric_limits<std::uint64_t>::max()));
  const Height last = chain.height();
  base::Encoder encoder;
  for (Height height = after; height < last && encoder.data().size() < kBlockBytesTogether;) {
    STARLING_ASSIGN(const std::optional<consensus::Block> block, chain.block(++height));
    if (!block.has_value()) return base::not_found("there is no block " + std::to_string(height) + " here");
    encoder.bytes(consensus::encode_block(*block));
  }
  return encoder.data();
}

}  // namespace

std::vector<Route> copy_routes(const Chain& chain, std::filesystem::path genesis) {
  std::vector<Route> routes;
  routes.push_back(
      get_on_worker("/v1/genesis", [path = std::move(genesis)](const Request&) { return send_genesis(path); }));
  routes.push_back(get_on_worker("/v1/blocks", [&chain](const Request& request) {
    const base::Result<base::Bytes> bytes = blocks_after(chain, request);
    if (!bytes.ok()) return error_response(bytes.error());
    return text_response(std::string(bytes->begin(), bytes->end()), "application/octet-stream");
  }));
  return routes;
}

}  // namespace starling::api
