#include "api/router.h"

#include <exception>
#include <new>
#include <utility>

#include "base/log.h"

namespace starling::api {
namespace {

constexpr std::size_t kMaxSegments = 16;

// Nothing unless the text begins with / and has no empty segment; "/" has none at all.
std::optional<std::vector<std::string_view>> split(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    const std::string_view segment = path.substr(0, end);
    if (segment.empty() || segments.size() == kMaxSegments) return std::nullopt;
    segments.push_back(segment);
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + 1);
    if (path.empty()) return std::nullopt;
  }
  return segments;
}

bool is_dots(const std::string& text) { return text == "." || text == ".."; }

}  // namespace

Route get_route(std::string pattern, Handler handler) {
  Route route;
  route.pattern = std::move(pattern);
  route.handler = std::move(handler);
  return route;
}

Route get_on_worker(std::string pattern, Handler handler) {
  Route route = get_route(std::move(pattern), std::move(handler));
  route.runs = Runs::kOnWorker;
  return route;
}

void Router::add(Route route) {
  const auto texts = split(route.pattern);
  if (!texts) base::halt("a route's pattern is malformed");
  Segments segments;
  for (const std::string_view text : *texts) {
    const bool parameter = text.starts_with('{') && text.ends_with('}') && text.size() > 2;
    segments.texts.emplace_back(parameter ? text.substr(1, text.size() - 2) : text);
    segments.parameter.push_back(parameter);
  }
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    bool same = routes_[i].method == route.method && segments_[i].parameter == segments.parameter;
    for (std::size_t j = 0; same && j < segments.texts.size(); ++j) {
      same = segments.parameter[j] || segments.texts[j] == segments_[i].texts[j];
    }
    if (same) base::halt("two routes have the same pattern");
  }
  routes_.push_back(std::move(route));
  segments_.push_back(std::move(segments));
}

void Router::add(std::vector<Route> routes) {
  for (Route& route : routes) add(std::move(route));
}

Router::Match Router::find(Method method, std::string_view path) const {
  Match match;
  const auto raw = split(path);
  if (!raw) return match;
  std::vector<std::string> texts;
  for (const std::string_view segment : *raw) {
    std::optional<std::string> text = percent_decode(segment, false);
    if (!text) {
      match.status = 400;
      return match;
    }
    if (is_dots(*text) || text->find('/') != std::string::npos) return match;
    texts.push_back(std::move(*text));
  }
  std::size_t best = routes_.size();
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const Segments& segments = segments_[i];
    bool fits = segments.texts.size() == texts.size();
    for (std::size_t j = 0; fits && j < texts.size(); ++j) {
      fits = segments.parameter[j] || segments.texts[j] == texts[j];
    }
    if (!fits) continue;
    if (routes_[i].method != method) {
      match.status = 405;
      match.allowed.append(match.allowed.empty() ? "" : ", ").append(method_name(routes_[i].method));
      continue;
    }
    // false before true: of two that fit, the one with a literal earlier.
    if (best == routes_.size() || segments.parameter < segments_[best].parameter) best = i;
  }
  if (best == routes_.size()) return match;
  match.route = &routes_[best];
  match.status = 200;
  for (std::size_t j = 0; j < texts.size(); ++j) {
    if (segments_[best].parameter[j]) match.parameters.emplace(segments_[best].texts[j], std::move(texts[j]));
  }
  return match;
}

Routed route_request(const Router& router, std::string_view target, Request& request) {
  Routed routed;
  const std::size_t question = target.find('?');
  request.path = std::string(target.substr(0, question));
  Router::Match match = router.find(request.method, request.path);
  if (match.route == nullptr) {
    if (match.status == 405) {
      routed.refusal = error_response(405, "METHOD_NOT_ALLOWED", "this is answered to " + match.allowed + " only");
      routed.refusal->headers.emplace_back("Allow", match.allowed);
    } else if (match.status == 400) {
      routed.refusal = error_response(400, "INVALID_ARGUMENT", "the path is not percent-encoded UTF-8 text");
    } else {
      routed.refusal = error_response(404, "NOT_FOUND", "nothing is served under this path; docs/api.md lists what is");
    }
    return routed;
  }
  if (question != std::string_view::npos) {
    auto query = parse_query(target.substr(question + 1));
    if (!query.ok()) {
      routed.refusal = bad_request(query.error());
      return routed;
    }
    request.query = std::move(*query);
  }
  request.parameters = std::move(match.parameters);
  routed.route = match.route;
  return routed;
}

void run_route(const Route& route, Request request, const Answer& answer) {
  try {
    if (route.later) {
      route.later(std::move(request), answer);
    } else {
      answer(route.handler(request));
    }
  } catch (const std::bad_alloc&) {
    answer(error_response(503, "LIMIT", "there is no memory for this request; ask for less or try again later"));
  } catch (const std::exception& exception) {
    base::log(base::LogLevel::kError, "a handler threw", {{"route", route.pattern}, {"what", exception.what()}});
    answer(error_response(500, "INTERNAL", "the request failed; the server's log says why"));
  } catch (...) {
    answer(error_response(500, "INTERNAL", "the request failed"));
  }
}

void Router::answer(Request request, std::string_view target, const Answer& answer) const {
  Routed routed = route_request(*this, target, request);
  if (routed.refusal) {
    answer(std::move(*routed.refusal));
  } else if (request.body.size() > routed.route->body_limit) {
    answer(
        error_response(413, "LIMIT", "the body has more than " + std::to_string(routed.route->body_limit) + " bytes"));
  } else {
    run_route(*routed.route, std::move(request), answer);
  }
}

}  // namespace starling::api
