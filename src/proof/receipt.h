#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "base/signature.h"
#include "exact/graph.h"

namespace starling::proof {

// The first thing that does not hold, for people: "call 7: its output is not the one in the receipt".
struct Difference {
  std::string message;
};

// The file that the output was written to. Whoever has another file of the same content loses nothing by it.
struct OutputFile {
  std::uint64_t bytes = 0;
  base::Hash sha256;
  bool operator==(const OutputFile&) const = default;
};

// {"bytes", "sha256"}.
base::Json to_json(const OutputFile& file);
base::Result<OutputFile> output_file_from_json(const base::Json& json);

// What an executor claims of one run of a program, signed (docs/trace.md has the format). Everything needed to run the
// program again is in it, but for the model's bytes.
struct Receipt {
  std::string version;    // of the program that wrote it; informative
  std::string task;       // how the program is rebuilt, such as "text_to_video"
  base::Json parameters;  // an object without fractions; what the task needs to rebuild program and inputs
  base::Hash model_root;
  base::Hash program_root;
  std::map<std::string, base::Hash> inputs;  // the roots of the program's inputs by name
  exact::Work work;
  std::vector<base::Hash> calls;   // by call: list_root() of the roots of its outputs
  std::vector<base::Hash> frames;  // by frame: the hash of its pixels
  base::Hash trace_root;           // list_root(calls)
  base::Hash output_root;          // list_root(frames)
  std::optional<OutputFile> file;  // if the executor wrote one
  base::Address executor;
  base::Signature signature;
};

inline constexpr std::size_t kMaxReceiptBytes = std::size_t{16} << 20;

// Sets executor, the two list roots and the signature: Ethereum's personal_sign (EIP-191, version 0x45) over the
// receipt's text without the signature. parameters must be canonical.
base::Status sign_receipt(Receipt& receipt, const base::SecretKey& key);

// The file: canonical JSON (keys sorted, no spaces) and a newline.
base::Result<std::string> receipt_text(const Receipt& receipt);

// The receipt that exactly this text is of: a text that receipt_text() would not write is kCorrupt.
base::Result<Receipt> parse_receipt(std::string_view text);

// What can be checked without the model: the signature, and that the roots are those of the lists.
std::optional<Difference> check_receipt(const Receipt& receipt);

// What a receipt is compared with before anything is run again.
struct Rebuilt {
  base::Hash program_root;
  std::map<std::string, base::Hash> inputs;
  exact::Work work;
  std::size_t calls = 0;
  std::size_t frames = 0;
};
std::optional<Difference> check_rebuilt(const Receipt& receipt, const Rebuilt& rebuilt);

}  // namespace starling::proof
