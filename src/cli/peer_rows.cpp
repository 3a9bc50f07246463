#include "cli/peer_rows.h"

#include <array>
#include <cstdio>

#include "cli/output.h"

namespace starling::cli {
namespace {

constexpr int kMostThreads = 1024;

std::string threads_of(const PeerRow& row) {
  return std::to_string(row.threads) + (row.threads == 1 ? " thread" : " threads");
}

bool has_ratio(const PeerRow& row) { return row.seconds > 0.0 && row.peer_seconds > 0.0; }
double ratio_of(const PeerRow& row) { return row.peer_seconds / row.seconds; }
bool has_share(const PeerRow& row) { return row.seconds > 0.0 && row.limit_seconds > 0.0; }
double share_of(const PeerRow& row) { return row.limit_seconds / row.seconds; }

}  // namespace

bool is_wanted(const PeerRow& row, const std::string& only) {
  const std::string label = row.name + " " + row.shape + ", " + row.arithmetic + ", " + threads_of(row);
  return label.find(only) != std::string::npos;
}

base::Json to_json(const std::vector<PeerRow>& rows) {
  base::Json list = base::Json::empty_array();
  const auto number = [](double value) { return value > 0.0 ? base::Json(value) : base::Json(); };
  for (const PeerRow& row : rows) {
    base::Json json = base::Json::empty_object();
    json.set("name", row.name);
    json.set("shape", row.shape);
    json.set("threads", row.threads);
    json.set("arithmetic", row.arithmetic);
    json.set("seconds", number(row.seconds));
    json.set("limit_seconds", number(row.limit_seconds));
    json.set("share", has_share(row) ? base::Json(share_of(row)) : base::Json());
    json.set("peer", row.peer);
    json.set("peer_seconds", number(row.peer_seconds));
    json.set("ratio", has_ratio(row) ? base::Json(ratio_of(row)) : base::Json());
    json.set("target", number(row.target));
    json.set("missing", row.missing.empty() ? base::Json() : base::Json(row.missing));
    list.push(std::move(json));
  }
  return list;
}

base::Result<std::vector<PeerRow>> peer_rows_of(const base::Json& list) {
  std::vector<PeerRow> rows;
  for (const base::Json& json : list.elements()) {
    PeerRow row;
    const auto number = [&json](const char* key) -> base::Result<double> {
      if (!json.has(key)) return 0.0;
      return json.number(key);
    };
    STARLING_ASSIGN(row.name, json.text("name"));
    STARLING_ASSIGN(row.shape, json.text("shape"));
    STARLING_ASSIGN(const std::int64_t threads, json.integer("threads", 1, kMostThreads));
    row.threads = static_cast<int>(threads);
    STARLING_ASSIGN(row.arithmetic, json.text("arithmetic"));
    STARLING_ASSIGN(row.seconds, number("seconds"));
    STARLING_ASSIGN(row.limit_seconds, number("limit_seconds"));
    STARLING_ASSIGN(row.peer, json.text("peer"));
    STARLING_ASSIGN(row.peer_seconds, number("peer_seconds"));
    STARLING_ASSIGN(row.target, number("target"));
    if (json.has("missing")) {
      STARLING_ASSIGN(row.missing, json.text("missing"));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void print_table(const std::vector<PeerRow>& rows) {
  std::array<char, 512> line{};
  for (const PeerRow& row : rows) {
    std::snprintf(line.data(), line.size(), "%-40s %-9s %-16s ", (row.name + ", " + row.shape).c_str(),
                  threads_of(row).c_str(), row.arithmetic.c_str());
    std::string text = line.data();
    const auto add = [&](const char* format, auto... values) {
      std::snprintf(line.data(), line.size(), format, values...);
      text += line.data();
    };
    if (row.seconds > 0.0) {
      add("%9.4f s ", row.seconds);
    } else {
      add("%11s ", "");
    }
    if (has_share(row)) {
      add("%3.0f %% of peak   ", 100.0 * share_of(row));
    } else {
      add("%16s", "");
    }
    if (row.peer_seconds > 0.0) {
      add("%-42s %9.4f s", row.peer.c_str(), row.peer_seconds);
    } else {
      text += row.peer.empty() ? row.missing : row.peer + ": " + row.missing;
    }
    if (has_ratio(row)) add("   %6.2f times as fast", ratio_of(row));
    if (has_ratio(row) && row.target > 0.0) add(" (at least %g)", row.target);
    print(text);
  }
}

}  // namespace starling::cli
