#include "ledger/overlay.h"

#include <algorithm>

namespace starling::ledger {
namespace {

bool has_prefix(base::ByteView key, base::ByteView prefix) {
  return key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
}

}  // namespace

bool ByteOrder::operator()(base::ByteView left, base::ByteView right) const {
  return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
}

base::Result<std::optional<base::Bytes>> Overlay::get(base::ByteView key) const {
  const auto found = changes_.find(key);
  if (found != changes_.end()) return found->second;
  return below_.get(key);
}

base::Status Overlay::scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const {
  auto next = changes_.lower_bound(store::first_key(prefix, from));
  const auto ours = [&] { return next != changes_.end() && has_prefix(next->first, prefix); };
  const ByteOrder before;
  bool going = true;
  const auto visit_ours = [&] {
    if (next->second.has_value()) going = visit(next->first, *next->second);
    ++next;
  };
  STARLING_TRY(below_.scan_from(prefix, from, [&](base::ByteView key, base::ByteView value) {
    while (going && ours() && before(next->first, key)) visit_ours();
    if (!going) return false;
    if (ours() && !before(key, next->first)) {
      visit_ours();
    } else {
      going = visit(key, value);
    }
    return going;
  }));
  while (going && ours()) visit_ours();
  return {};
}

void Overlay::change(base::ByteView key, std::optional<base::Bytes> value) {
  auto found = changes_.lower_bound(key);
  if (found != changes_.end() && !ByteOrder()(key, found->first)) {
    journal_.push_back({found, true, std::move(found->second)});
    found->second = std::move(value);
    return;
  }
  found = changes_.emplace_hint(found, base::Bytes(key.begin(), key.end()), std::move(value));
  journal_.push_back({found, false, std::nullopt});
}

void Overlay::rewind(Mark mark) {
  while (journal_.size() > mark) {
    Undo& undo = journal_.back();
    if (undo.was_there) {
      undo.entry->second = std::move(undo.value);
    } else {
      changes_.erase(undo.entry);
    }
    journal_.pop_back();
  }
}

void Overlay::fail(const base::Error& error) {
  if (!failure_.has_value()) failure_ = error;
}

base::Status Overlay::status() const {
  if (failure_.has_value()) return *failure_;
  return {};
}

std::vector<store::Write> Overlay::writes() const {
  std::vector<store::Write> writes;
  writes.reserve(changes_.size());
  for (const auto& [key, value] : changes_) writes.push_back({key, value});
  return writes;
}

}  // namespace starling::ledger
