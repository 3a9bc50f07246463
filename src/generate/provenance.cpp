#include "generate/provenance.h"

#include <array>
#include <utility>

#include "base/bytes.h"
#include "proof/commitment.h"

namespace starling::generate {
namespace {

constexpr std::string_view kNamespace = "urn:starling:provenance:1#";
constexpr std::string_view kBegin =
    "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
    " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
    "  <rdf:Description rdf:about=\"\"\n"
    "    xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\"\n"
    "    Iptc4xmpExt:DigitalSourceType=\"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia\"\n";
constexpr std::string_view kEnd =
    "/>\n"
    " </rdf:RDF>\n"
    "</x:xmpmeta>\n"
    "<?xpacket end=\"r\"?>\n";

struct Member {
  std::string_view name;
  base::Hash Provenance::*hash;
};
constexpr std::array kMembers = {
    Member{"ModelRoot", &Provenance::model},     Member{"ProgramRoot", &Provenance::program},
    Member{"TraceRoot", &Provenance::trace},     Member{"OutputRoot", &Provenance::output},
    Member{"PromptSha256", &Provenance::prompt},
};

}  // namespace

Provenance provenance_of(const proof::Receipt& receipt) {
  Provenance provenance;
  provenance.model = receipt.model_root;
  provenance.program = receipt.program_root;
  provenance.trace = proof::list_root(receipt.calls);
  provenance.output = proof::list_root(receipt.frames);
  const auto prompt = receipt.parameters.text("prompt");
  provenance.prompt = base::sha256(base::as_bytes(prompt.ok() ? *prompt : std::string()));
  return provenance;
}

std::string provenance_packet(const Provenance& provenance) {
  std::string packet(kBegin);
  packet.append("    xmlns:starling=\"").append(kNamespace).append("\"");
  for (const Member& member : kMembers) {
    packet.append("\n    starling:").append(member.name).append("=\"");
    packet.append((provenance.*member.hash).hex()).append("\"");
  }
  return packet.append(kEnd);
}

base::Result<Provenance> read_provenance(std::string_view packet) {
  if (packet.find(kNamespace) == std::string_view::npos)
    return base::not_found("the file does not say how it was made");
  Provenance provenance;
  for (const Member& member : kMembers) {
    std::string before = " starling:";
    before.append(member.name).append("=\"");
    const std::size_t at = packet.find(before);
    if (at == std::string_view::npos) {
      return base::corrupt("what the file says of its origin lacks " + std::string(member.name));
    }
    std::string_view value = packet.substr(at + before.size());
    value = value.substr(0, value.find('"'));
    base::Result<base::Hash> hash = base::Hash::from_hex(value);
    if (!hash.ok()) return base::corrupt("the file's " + std::string(member.name) + ": " + hash.error().message);
    provenance.*member.hash = *hash;
  }
  return provenance;
}

std::optional<proof::Difference> compare_provenance(const Provenance& said, const proof::Receipt& receipt) {
  const Provenance known = provenance_of(receipt);
  for (const Member& member : kMembers) {
    if (said.*member.hash == known.*member.hash) continue;
    return proof::Difference{"video: the file says that its " + std::string(member.name) + " is " +
                             (said.*member.hash).hex() + ", and the receipt's is " + (known.*member.hash).hex()};
  }
  return {};
}

}  // namespace starling::generate
