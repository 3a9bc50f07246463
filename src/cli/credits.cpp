#include "cli/credits.h"

#include <algorithm>
#include <charconv>

namespace starling::cli {
namespace {

constexpr std::size_t kDecimals = 9;
static_assert(ledger::kMotesPerCredit == 1'000'000'000);

bool read_digits(std::string_view digits, std::uint64_t& value) {
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return false;
  }
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return end.ec == std::errc();
}

}  // namespace

base::Result<ledger::Motes> read_credits(std::string_view text) {
  const auto bad = [&] {
    return base::invalid("\"" + std::string(text) +
                         "\" is not an amount: give credits such as 12 or 0.25, with at most nine decimals");
  };
  const std::size_t point = text.find('.');
  std::string decimals(point == std::string_view::npos ? std::string_view() : text.substr(point + 1));
  if (decimals.size() > kDecimals || (point != std::string_view::npos && decimals.empty())) return bad();
  decimals.resize(kDecimals, '0');
  std::uint64_t whole = 0;
  std::uint64_t motes = 0;
  if (!read_digits(text.substr(0, point), whole) || !read_digits(decimals, motes)) return bad();
  const auto all = ledger::checked_multiply(whole, ledger::kMotesPerCredit);
  const auto sum = all.has_value() ? ledger::checked_add(*all, motes) : all;
  if (!sum.has_value()) return base::invalid(std::string(text) + " credits are more than there can be");
  return *sum;
}

std::string show_credits(ledger::Motes motes) {
  std::string decimals = std::to_string(motes % ledger::kMotesPerCredit);
  decimals.insert(0, kDecimals - decimals.size(), '0');
  decimals.erase(decimals.find_last_not_of('0') + 1);
  const std::string whole = std::to_string(motes / ledger::kMotesPerCredit);
  return decimals.empty() ? whole : whole + "." + decimals;
}

}  // namespace starling::cli
