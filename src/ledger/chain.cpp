#include "ledger/chain.h"

#include "ledger/bank/genesis.h"
#include "ledger/json_fields.h"
#include "ledger/market/genesis.h"
#include "ledger/models/genesis.h"

namespace starling::ledger {
namespace {

constexpr char kChainCore = 'c';
Key parameters_key() { return {kChainCore, 'g'}; }
Key last_header_key() { return {kChainCore, 'h'}; }

class EmptyState final : public store::StateView {
 public:
  base::Result<std::optional<base::Bytes>> get(base::ByteView /*key*/) const override {
    return std::optional<base::Bytes>();
  }
  base::Status scan_from(base::ByteView /*prefix*/, base::ByteView /*from*/, const Visit& /*visit*/) const override {
    return {};
  }
};

template <typename Record>
base::Result<Record> required(const store::StateView& state, const Key& key) {
  STARLING_ASSIGN(std::optional<Record> record, read_record<Record>(state, key));
  if (!record.has_value()) return base::corrupt("this state had no genesis");
  return *std::move(record);
}

struct ChainSection {
  ChainParameters parameters;
  std::uint64_t time = 0;

  template <typename Self, typename Visitor>
  static void fields(Self& self, Visitor& visit) {
    ChainParameters::fields(self.parameters, visit);
    visit(7, "time", self.time);
  }
};

}  // namespace

base::Result<ChainParameters> chain_parameters(const store::StateView& state) {
  return required<ChainParameters>(state, parameters_key());
}

base::Result<Header> last_header(const store::StateView& state) { return required<Header>(state, last_header_key()); }

void save_last_header(Overlay& state, const Header& header) { save(state, last_header_key(), header); }

base::Result<std::vector<store::Write>> read_genesis(const base::Json& genesis) {
  const EmptyState empty;
  Overlay state(empty);
  STARLING_ASSIGN(const base::Json* const chain, genesis.object("chain"));
  ChainSection section;
  JsonReader reader(*chain);
  ChainSection::fields(section, reader);
  const base::Status status = reader.finish();
  if (!status.ok()) return base::invalid("chain: " + status.error().message);
  save(state, parameters_key(), section.parameters);
  save_last_header(state, {.height = 0, .time = section.time, .previous = {}});
  STARLING_ASSIGN(const base::Json* const bank, genesis.object("bank"));
  STARLING_ASSIGN(const base::Json* const models, genesis.array("models"));
  STARLING_ASSIGN(const base::Json* const market, genesis.object("market"));
  if (genesis.members().size() != 4) return base::invalid("the genesis has a section that does not belong there");
  STARLING_TRY(bank::read_genesis(state, *bank));
  STARLING_TRY(models::read_genesis(state, *models));
  STARLING_TRY(market::read_genesis(state, *market));
  return state.writes();
}

std::optional<Motes> least_fee(const ChainParameters& chain, std::size_t bytes, std::uint64_t work) {
  const auto for_bytes = checked_multiply(chain.fee_per_byte, bytes);
  const auto for_work = checked_multiply(chain.fee_per_work, work);
  if (!for_bytes.has_value() || !for_work.has_value()) return std::nullopt;
  return checked_add(*for_bytes, *for_work);
}

}  // namespace starling::ledger
