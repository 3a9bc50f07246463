#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "proof/receipt.h"

namespace starling::generate {

// What a video file says of its origin: enough to tell which receipt is its own. Whoever has the file can change it;
// what it says holds if that receipt and the file's frames do.
struct Provenance {
  base::Hash model;  // the four roots of the receipt
  base::Hash program;
  base::Hash trace;
  base::Hash output;
  base::Hash prompt;  // SHA-256 of the prompt's UTF-8
};

// Of a receipt whose calls and frames are there; it may be signed later.
Provenance provenance_of(const proof::Receipt& receipt);

// As an XMP packet (ISO 16684-1), which also says that the medium was made by an algorithm (IPTC's digital source type
// trainedAlgorithmicMedia), so that other programs can show it. docs/video.md has its form.
std::string provenance_packet(const Provenance& provenance);
// kNotFound: a packet of others; kCorrupt: one of ours that lacks something.
base::Result<Provenance> read_provenance(std::string_view packet);

// What the file says and the receipt does not.
std::optional<proof::Difference> compare_provenance(const Provenance& said, const proof::Receipt& receipt);

}  // namespace starling::generate
