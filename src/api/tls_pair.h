#pragma once

#include <string>

#include "base/result.h"

namespace starling::api {

struct PemFile {
  std::string name;  // as messages call it
  std::string text;
};

// An error that names the file that is wrong, unless the first is a certificate, with those above it behind, and the
// second the private key of it, without a password.
base::Status check_tls_pair(const PemFile& certificate, const PemFile& key);

}  // namespace starling::api
