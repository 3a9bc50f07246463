#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/server.h"
#include "jobs/api_keys.h"

namespace starling::api::videos {

struct AccessOptions {
  std::vector<std::string> origins;            // of pages that may ask, as "https://example.org"; "*": any
  std::function<std::int64_t()> milliseconds;  // Unix time
};

// Who may ask for what. Without any key in the database whoever reaches the server may, as long as it is by a name of
// this machine itself and not for a page of some other site.
class Access {
 public:
  // keys outlive this.
  Access(jobs::ApiKeys& keys, AccessOptions options) : keys_(keys), options_(std::move(options)) {}

  // ServerOptions::screen.
  Screened screen(std::string_view method, const Request& request) const;
  // The key of a request that screen() let pass; null: it needed none.
  std::shared_ptr<const jobs::ApiKey> key_of(const Request& request) const;
  // Whose videos it is about.
  std::string owner_of(const Request& request) const;

 private:
  std::optional<Response> refuse_origin(const Request& request) const;
  std::optional<Response> refuse_key(std::string_view method, const Request& request) const;

  jobs::ApiKeys& keys_;
  const AccessOptions options_;
};

}  // namespace starling::api::videos
