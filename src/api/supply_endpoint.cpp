#include "api/supply_endpoint.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "ledger/bank/queries.h"
#include "ledger/chain.h"
#include "ledger/modules.h"

namespace starling::api {
namespace {

using Clock = std::chrono::steady_clock;
using ledger::bank::Pot;

constexpr int kRests = 4;  // of as long as an answer took

std::string wide_text(ledger::WideInteger value) {
  std::string text;
  do {
    text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return text;
}

class Supply {
 public:
  explicit Supply(const consensus::Chain& chain) : chain_(chain) {}

  Response answer() {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) {
      Response response = error_response(503, "BUSY", "the motes are being counted for somebody else; ask again");
      response.headers.emplace_back("Retry-After", "1");
      return response;
    }
    const Clock::time_point begun = Clock::now();
    if (last_.has_value() && (height_ == chain_.height() || begun < next_)) return json_response(*last_);
    const auto view = chain_.view();
    if (!view.ok()) return error_response(view.error());
    base::Result<base::Json> json = supply_json(**view);
    next_ = Clock::now() + kRests * (Clock::now() - begun);
    if (!json.ok()) return error_response(json.error());
    height_ = (*view)->header().header.height;
    json->set("height", std::to_string(height_));
    last_ = *std::move(json);
    return json_response(*last_);
  }

 private:
  const consensus::Chain& chain_;
  std::mutex mutex_;
  std::optional<base::Json> last_;
  consensus::Height height_ = 0;  // of that
  Clock::time_point next_;        // before it nothing is counted again
};

}  // namespace

base::Result<base::Json> supply_json(const store::StateView& state) {
  STARLING_ASSIGN(const ledger::Motes supply, ledger::bank::supply(state));
  STARLING_ASSIGN(const ledger::bank::Totals totals, ledger::bank::totals(state));
  STARLING_ASSIGN(const ledger::Motes escrow, ledger::bank::pot(state, Pot::kEscrow));
  STARLING_ASSIGN(const ledger::Motes stake, ledger::bank::pot(state, Pot::kStake));
  STARLING_ASSIGN(const ledger::ChainParameters chain, ledger::chain_parameters(state));
  STARLING_ASSIGN(const ledger::bank::Account fees, ledger::bank::account(state, chain.fee_account));
  const base::Status sound = ledger::check_invariants(state);
  if (!sound.ok() && sound.error().code != base::ErrorCode::kInternal) return sound.error();
  base::Json json = base::Json::empty_object();
  json.set("supply", std::to_string(supply));
  json.set("accounts", std::to_string(totals.accounts));
  json.set("in_accounts", wide_text(totals.motes));
  json.set("in_escrow", std::to_string(escrow));
  json.set("in_stake", std::to_string(stake));
  json.set("fee_account", chain.fee_account.text());
  json.set("in_fee_account", std::to_string(fees.motes));
  json.set("conserved", totals.motes + escrow + stake == supply);
  json.set("broken", sound.ok() ? base::Json() : base::Json(sound.error().message));
  return json;
}

Route supply_route(const consensus::Chain& chain) {
  return get_on_worker("/v1/supply",
                       [supply = std::make_shared<Supply>(chain)](const Request&) { return supply->answer(); });
}

}  // namespace starling::api
