#include "base/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/result.h"

namespace starling::base {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() ? std::string(digits.data(), end) : "NaN";
}

// a="1",b="2"
std::string label_text(const MetricLabels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text.append(text.empty() ? "" : ",").append(name).append("=\"");
    for (const char c : value) {
      if (c == '\\' || c == '"') text.push_back('\\');
      if (c == '\n') {
        text += "\\n";
      } else {
        text.push_back(c);
      }
    }
    text.push_back('"');
  }
  return text;
}

void line(std::string& text, const std::string& name, const std::string& labels, const std::string& value) {
  text += name;
  if (!labels.empty()) text.append("{").append(labels).append("}");
  text.append(" ").append(value).append("\n");
}

void histogram_lines(std::string& text, const std::string& name, const std::string& labels,
                     const Histogram& histogram) {
  const std::vector<std::uint64_t> counts = histogram.counts();
  const std::string comma = labels.empty() ? "" : ",";
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    const std::string bound = i < histogram.bounds().size() ? number(histogram.bounds()[i]) : "+Inf";
    line(text, name + "_bucket", std::string(labels).append(comma).append("le=\"").append(bound).append("\""),
         std::to_string(total));
  }
  line(text, name + "_sum", labels, number(histogram.sum()));
  line(text, name + "_count", labels, std::to_string(total));
}

template <typename T, typename... Arguments>
T& find_or_make(std::map<std::string, std::unique_ptr<T>>& known, const MetricLabels& labels,
                Arguments&&... arguments) {
  std::unique_ptr<T>& metric = known[label_text(labels)];
  if (!metric) metric = std::make_unique<T>(std::forward<Arguments>(arguments)...);
  return *metric;
}

}  // namespace

void Histogram::observe(double value) {
  const auto bucket = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.add(value);
}

std::vector<std::uint64_t> Histogram::counts() const {
  std::vector<std::uint64_t> counts;
  for (const auto& count : counts_) counts.push_back(count.load(std::memory_order_relaxed));
  return counts;
}

std::vector<double> duration_bounds() { return {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30}; }

Metrics::Family& Metrics::family(const std::string& name, const std::string& help, const char* kind) {
  Family& family = families_[name];
  if (family.kind == nullptr) {
    family.kind = kind;
    family.help = help;
  }
  if (std::string_view(family.kind) != kind) halt("a metric's name stands for two kinds of metric");
  return family;
}

Counter& Metrics::counter(const std::string& name, const std::string& help, const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  return find_or_make(family(name, help, "counter").counters, labels);
}

Gauge& Metrics::gauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
  const std::lock_guard lock(mutex_);
  return find_or_make(family(name, help, "gauge").gauges, labels);
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help, const MetricLabels& labels,
                              const std::vector<double>& bounds) {
  const std::lock_guard lock(mutex_);
  return find_or_make(family(name, help, "histogram").histograms, labels, bounds);
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, family] : families_) {
    text.append("# HELP ").append(name).append(" ").append(family.help).append("\n");
    text.append("# TYPE ").append(name).append(" ").append(family.kind).append("\n");
    for (const auto& [labels, metric] : family.counters) line(text, name, labels, std::to_string(metric->value()));
    for (const auto& [labels, metric] : family.gauges) line(text, name, labels, number(metric->value()));
    for (const auto& [labels, metric] : family.histograms) histogram_lines(text, name, labels, *metric);
  }
  return text;
}

}  // namespace starling::base
