#include "generate/provenance.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace starling::generate {
namespace {

proof::Receipt receipt() {
  proof::Receipt receipt;
  receipt.parameters = base::Json::empty_object();
  receipt.parameters.set("prompt", "a \"red\" ball & <more>");
  receipt.model_root = base::sha256(base::as_bytes("model"));
  receipt.program_root = base::sha256(base::as_bytes("program"));
  receipt.calls = {base::sha256(base::as_bytes("call"))};
  receipt.frames = {base::sha256(base::as_bytes("frame"))};
  return receipt;
}

TEST(Provenances, APacketSaysWhatTheReceiptHolds) {
  const Provenance provenance = provenance_of(receipt());
  EXPECT_EQ(provenance.prompt, base::sha256(base::as_bytes("a \"red\" ball & <more>")));
  const std::string packet = provenance_packet(provenance);
  const auto read = read_provenance(packet);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_FALSE(compare_provenance(*read, receipt()).has_value());
  EXPECT_NE(packet.find("trainedAlgorithmicMedia"), std::string::npos);
}

TEST(Provenances, EachOtherRootIsADifference) {
  const Provenance provenance = provenance_of(receipt());
  int changed = 0;
  for (base::Hash Provenance::*hash :
       {&Provenance::model, &Provenance::program, &Provenance::trace, &Provenance::output, &Provenance::prompt}) {
    Provenance other = provenance;
    (other.*hash).bytes[0] ^= 1;
    const auto difference = compare_provenance(other, receipt());
    ASSERT_TRUE(difference.has_value());
    EXPECT_NE(difference->message.find((other.*hash).hex()), std::string::npos);
    ++changed;
  }
  EXPECT_EQ(changed, 5);
}

TEST(Provenances, OthersPacketsAndDamagedOnesAreToldApart) {
  EXPECT_EQ(read_provenance("<x:xmpmeta/>").error().code, base::ErrorCode::kNotFound);
  const std::string packet = provenance_packet(provenance_of(receipt()));
  for (const char* name : {"ModelRoot", "ProgramRoot", "TraceRoot", "OutputRoot", "PromptSha256"}) {
    std::string lacks = packet;
    lacks.replace(lacks.find(name), 1, "?");
    EXPECT_EQ(read_provenance(lacks).error().code, base::ErrorCode::kCorrupt) << name;
    std::string odd = packet;
    odd[odd.find(name) + std::string_view(name).size() + 5] = 'x';
    EXPECT_EQ(read_provenance(odd).error().code, base::ErrorCode::kCorrupt) << name;
  }
  for (std::size_t size = packet.find("PromptSha256"); size > 0; size -= 7) {
    EXPECT_FALSE(read_provenance(packet.substr(0, size)).ok());
    if (size < 7) break;
  }
}

}  // namespace
}  // namespace starling::generate
