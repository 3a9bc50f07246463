#include "api/studio.h"

#include <gtest/gtest.h>

#include <optional>

namespace starling::api {
namespace {

Response visit(const std::string& path, const std::map<std::string, std::string>& headers = {}) {
  Router router;
  router.add(studio_routes());
  Request request;
  request.headers = headers;
  std::optional<Response> response;
  router.answer(request, path, Answer([&](Response given) { response = std::move(given); }));
  return std::move(*response);
}

std::string header(const Response& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(Studio, ThePageAndItsFilesAreServed) {
  const Response page = visit("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(header(page, "Cache-Control"), "no-cache");
  const std::string policy = header(page, "Content-Security-Policy");
  EXPECT_NE(policy.find("script-src 'self';"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  std::string scripts;  // that the page begins with, or loads later
  bool has_begun = false;
  bool has_worker = false;
  for (const StudioFile& file : studio_files()) {
    if (!file.path.ends_with(".js")) continue;
    scripts += file.bytes;
    has_begun |= page.body.find(file.path) != std::string::npos;
    // One script alone may compile WebAssembly, and shows nothing.
    const std::string own = header(visit(std::string(file.path)), "Content-Security-Policy");
    if (!file.path.starts_with("/assets/check_worker-")) {
      EXPECT_EQ(own, policy);
      continue;
    }
    has_worker = true;
    EXPECT_EQ(own, "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'");
  }
  EXPECT_TRUE(has_begun);
  EXPECT_TRUE(has_worker);
  for (const StudioFile& file : studio_files()) {
    const Response response = visit(std::string(file.path));
    EXPECT_EQ(response.body, file.bytes);
    EXPECT_TRUE(is_studio_path(file.path));
    if (!file.lasting) continue;
    // Whoever has the page, or the script that loads it later, finds the file by the name that says what is in it.
    const std::string_view name = file.path.substr(file.path.rfind('/') + 1);
    EXPECT_TRUE(page.body.find(file.path) != std::string::npos || scripts.find(name) != std::string::npos) << file.path;
    EXPECT_NE(header(response, "Cache-Control").find("immutable"), std::string::npos);
  }
}

TEST(Studio, WhatABrowserHasIsNotSentAgain) {
  const std::string tag = header(visit("/"), "ETag");
  const Response again = visit("/", {{"if-none-match", tag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_TRUE(again.body.empty());
  EXPECT_EQ(visit("/", {{"if-none-match", "\"other\" ,\tW/" + tag}}).status, 304);
  EXPECT_EQ(visit("/", {{"if-none-match", "\"other\""}}).status, 200);
}

TEST(Studio, NothingElseIsThere) {
  EXPECT_EQ(visit("/index.html").status, 404);
  EXPECT_EQ(visit("/assets/../index.html").status, 404);
  EXPECT_FALSE(is_studio_path("/v1/videos"));
  EXPECT_FALSE(is_studio_path("/assets/"));
}

}  // namespace
}  // namespace starling::api
