// The endpoints of the Videos API, held to the OpenAPI document that the server hands out.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "api/server.h"
#include "api/videos/errors.h"
#include "api/videos/openapi.h"
#include "base/file.h"
#include "jobs/video_files.h"
#include "proof/commitment.h"
#include "proof/model_root.h"
#include "raw_client.h"
#include "video/picture.h"
#include "videos_fixture.h"

namespace starling::api::videos {
namespace {

TEST_F(Videos, TheDocumentDescribesEachRouteAndNoOther) {
  std::set<std::string> described;
  for (const base::JsonMember& path : schemas_.document().find("paths")->members()) {
    for (const base::JsonMember& method : path.value.members()) {
      if (method.key != "parameters") described.insert(method.key + " " + path.key);
    }
  }
  std::set<std::string> served;
  for (const Route& route : router_.routes()) {
    std::string name = method_name(route.method);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    served.insert(name + " " + route.pattern);
  }
  EXPECT_EQ(described, served);
  EXPECT_EQ(ask(Method::kGet, "/openapi.json").body, openapi_text());
}

std::string header(const Response& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST_F(Videos, WhatABrowserKeepsItAsksForAgain) {
  const std::string id = make("good");
  ASSERT_TRUE(until(id, "completed"));
  const std::string content = "/v1/videos/" + id + "/content";
  const Response first = ask(Method::kGet, content);
  const std::string tag = header(first, "ETag");
  ASSERT_TRUE(first.file && !tag.empty());
  const auto again = [&](const std::string& tags, const std::string& range = "bytes=0-1") {
    return ask(Method::kGet, content, "", "", {{"if-none-match", tags}, {"range", range}});
  };
  for (const std::string& tags : {tag, "W/" + tag, "\"other\", " + tag, std::string("*")}) {
    const Response same = again(tags);
    EXPECT_EQ(same.status, 304) << tags;
    EXPECT_FALSE(same.file) << tags;
    EXPECT_EQ(header(same, "ETag"), tag);
  }
  for (const std::string& tags :
       {std::string("\"other\""), tag.substr(1), tag + "x", std::string(","), std::string("W/")}) {
    EXPECT_EQ(again(tags).status, 206) << tags;
  }
  for (const Response& response : {ask(Method::kGet, content), again(tag), again("\"other\"")}) {
    EXPECT_EQ(header(response, "Cache-Control"), "private, no-cache");
    EXPECT_EQ(header(response, "Vary"), "Authorization");
  }
  EXPECT_EQ(ask(Method::kDelete, "/v1/videos/" + id).status, 200);
  EXPECT_EQ(again(tag).status, 404);
}

TEST_F(Videos, SizesOfAnyNumberAreRefused) {
  const char* const most = "9223372036854775807";
  for (const std::string& size : {std::string(most) + "x64", "64x" + std::string(most), std::string(most) + "x" + most,
                                  std::string("9223372036854775808x64"), std::string("-1x64"), std::string("0x0"),
                                  std::string("8193x8193"), std::string("4611686018427387904x4611686018427387904")}) {
    for (const char* const path : {"/v1/videos", "/v1/videos/quote", "/v1/images/generations"}) {
      const Response refused = ask(Method::kPost, path, R"({"prompt":"x","size":")" + size + R"("})");
      EXPECT_EQ(refused.status, 400) << size;
      EXPECT_NE(refused.body.find("such as 32x16"), std::string::npos) << refused.body;
      EXPECT_EQ(refused.body.find("-92233"), std::string::npos) << refused.body;
      EXPECT_EQ(refused.body.find("nearest are 92233"), std::string::npos) << refused.body;
    }
  }
}

TEST_F(Videos, AVideoIsMadeShownAndDeleted) {
  const std::string id = make("good");
  ASSERT_TRUE(until(id, "completed"));
  const std::string content = "/v1/videos/" + id + "/content";
  for (const char* const variant : {"video", "thumbnail", "spritesheet", "receipt", "trace"}) {
    EXPECT_TRUE(ask(Method::kGet, content + "?variant=" + variant).file) << variant;
  }
  const Response range = ask(Method::kGet, content, "", "", {{"range", "bytes=2-4"}});
  EXPECT_EQ(range.status, 206);
  EXPECT_EQ(range.file->offset, 2U);
  EXPECT_EQ(range.file->size, 3U);
  EXPECT_EQ(ask(Method::kGet, content, "", "", {{"range", "bytes=900-"}}).status, 416);
  EXPECT_EQ(ask(Method::kGet, content + "?variant=../../jobs.sqlite").status, 400);
  EXPECT_EQ(ask(Method::kDelete, "/v1/videos/" + id).status, 200);
  EXPECT_EQ(ask(Method::kDelete, "/v1/videos/" + id).status, 404);
  EXPECT_EQ(ask(Method::kGet, content).status, 404);
  EXPECT_FALSE(fs::exists(queue_->folder(id)));

  const std::string bad = make("fail");
  ASSERT_TRUE(until(bad, "failed"));
  const base::Json failed = json_of(ask(Method::kGet, "/v1/videos/" + bad));
  EXPECT_EQ(*(*failed.object("error"))->text("code"), "limit");
  EXPECT_EQ(code_of(ask(Method::kGet, "/v1/videos/" + bad + "/content")), "video_failed");

  const std::string held = make("hold");
  EXPECT_EQ(code_of(ask(Method::kGet, "/v1/videos/" + held + "/content")), "video_not_ready");
  ASSERT_TRUE(until(held, "in_progress"));
  // Many who delete the same one.
  std::atomic<int> deleted = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const auto removed = queue_->remove("", held);
      if (removed.ok() && *removed) ++deleted;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(deleted, 1);
}

TEST_F(Videos, AModelHasTheCardThatLiesInItsFolder) {
  const auto card = [&] { return json_of(ask(Method::kGet, "/v1/models/tiny/card")); };
  EXPECT_TRUE(card().find("text")->is_null());
  EXPECT_TRUE(card().find("scores")->is_null());
  std::ofstream(shared() / "model" / "README.md") << "# Tiny\n\n<b>knows nothing</b>\n";
  std::ofstream(shared() / "model" / "scores.json") << R"({"scores":{"colour":{"value":0.5}}})";
  EXPECT_EQ(*card().text("text"), "# Tiny\n\n<b>knows nothing</b>\n");
  EXPECT_EQ(card().find("scores")->to_text(), R"({"scores":{"colour":{"value":0.5}}})");
  // What is no text, no JSON object, or too long, is as if it were not there.
  std::ofstream(shared() / "model" / "README.md") << "\xff";
  for (const std::string& scores : {std::string("[1]"), std::string("{"), std::string(300'000, ' ')}) {
    std::ofstream(shared() / "model" / "scores.json") << scores;
    EXPECT_TRUE(card().find("scores")->is_null());
  }
  EXPECT_TRUE(card().find("text")->is_null());
}

// Whoever has the answers makes the model's root of them, and each weight's of its bytes.
TEST_F(Videos, AModelIsHandedOutInPartsThatItsRootNames) {
  const base::Json list = json_of(ask(Method::kGet, "/v1/models/tiny/weights"));
  EXPECT_EQ(*list.text("root"), gateway_.rules.model_root.hex());
  std::map<std::string, base::Hash> files;
  std::map<std::string, base::Hash> weights;
  for (const base::Json& file : list.find("files")->elements()) {
    files[*file.text("name")] = *base::Hash::from_hex(*file.text("sha256"));
  }
  for (const base::Json& weight : list.find("weights")->elements()) {
    const std::string name = *weight.text("name");
    weights[name] = *base::Hash::from_hex(*weight.text("root"));
    const exact::Tensor tensor = *model_->weight(name);
    const std::uint64_t at = *weight.u64("at");
    const std::uint64_t bytes = *weight.u64("bytes");
    EXPECT_EQ(*weight.text("type"), exact::type_name(tensor.type()));
    const std::string range = "bytes=" + std::to_string(at) + "-" + std::to_string(at + bytes - 1);
    const Response part =
        ask(Method::kGet, "/v1/models/tiny/files/" + *weight.text("file"), "", "", {{"range", range}});
    ASSERT_EQ(part.status, 206) << name;
    std::ifstream file(shared() / "model" / *weight.text("file"), std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    std::string read(bytes, 0);
    file.read(read.data(), static_cast<std::streamsize>(bytes));
    ASSERT_EQ(bytes, tensor.byte_size());
    EXPECT_TRUE(std::ranges::equal(base::as_bytes(read), tensor.bytes())) << name;
    EXPECT_EQ(proof::tensor_root(tensor), weights[name]);
  }
  EXPECT_EQ(proof::model_root(files, weights), gateway_.rules.model_root);
  // Nothing else of the folder, and nothing beside it.
  for (const char* const path : {"vae/config.json", "tokenizer/spiece.model", "vae/none.safetensors", "%2e%2e/home",
                                 "vae/..%2fx", "nowhere/diffusion_pytorch_model.safetensors"}) {
    EXPECT_EQ(ask(Method::kGet, std::string("/v1/models/tiny/files/") + path).status, 404) << path;
  }
  EXPECT_EQ(ask(Method::kGet, "/v1/models/none/weights").status, 404);
  EXPECT_EQ(ask(Method::kGet, "/v1/models/none/files/vae/diffusion_pytorch_model.safetensors").status, 404);
}

TEST_F(Videos, ANetworkThatIsAwayIsSaidToBe) {
  EXPECT_EQ(code_of(ask(Method::kGet, "/v1/network/status")), "network_unreachable");
  EXPECT_EQ(code_of(ask(Method::kPost, "/v1/network/transactions", "{}")), "network_unreachable");
}

TEST_F(Videos, WhatIsAskedWronglyIsRefusedWithWhatCanBeDone) {
  const auto refused = [&](const std::string& body, const std::string& code, const std::string& param,
                           const std::string& type = "application/json") {
    const Response response = ask(Method::kPost, "/v1/videos", body, type);
    EXPECT_GE(response.status, 400) << body;
    EXPECT_LT(response.status, 500) << body;
    const base::Json json = json_of(response);
    const base::Json& error = **json.object("error");
    EXPECT_EQ(*error.text("code"), code) << response.body;
    EXPECT_EQ(error.find("param")->to_text(), param.empty() ? "null" : "\"" + param + "\"") << response.body;
    return *error.text("message");
  };
  refused("", "unsupported_media_type", "");
  refused("{}", "unsupported_media_type", "", "text/plain");
  refused("{", "invalid_json", "");
  refused("[]", "invalid_json", "");
  refused(std::string(100'000, '['), "invalid_json", "");
  refused(R"({"prompt":"a","prompt":"b"})", "invalid_json", "");
  refused("{}", "invalid_value", "prompt");
  refused(R"({"prompt":" \n"})", "invalid_value", "prompt");
  refused(R"({"prompt":7})", "invalid_value", "prompt");
  refused(R"({"prompt":")" + std::string(90'000, 'x') + R"("})", "invalid_value", "prompt");
  refused(R"({"prompt":"x","other":1})", "unknown_parameter", "other");
  refused(R"({"prompt":"x","n":2})", "unknown_parameter", "n");
  refused(R"({"prompt":"x","model":"gpt"})", "model_not_found", "model");
  refused(R"({"prompt":"x","model":"sora-2-)" + std::string(100'000, 'x') + R"("})", "model_not_found", "model");
  refused(R"({"prompt":"x","size":"100x100"})", "invalid_value", "size");
  refused(R"({"prompt":"x","size":"99999999999999999999x1"})", "invalid_value", "size");
  refused(R"({"prompt":"x","size":"-16x16"})", "invalid_value", "size");
  EXPECT_NE(refused(R"({"prompt":"x","size":"4096x4096"})", "invalid_value", "size").find("multiples of"),
            std::string::npos);
  refused(R"({"prompt":"x","seconds":"0.3"})", "invalid_value", "seconds");
  refused(R"({"prompt":"x","seconds":"nan"})", "invalid_value", "seconds");
  refused(R"({"prompt":"x","seconds":1e300})", "invalid_value", "seconds");
  refused(R"({"prompt":"x","seconds":2,"num_frames":5})", "invalid_value", "num_frames");
  refused(R"({"prompt":"x","num_frames":6})", "invalid_value", "num_frames");
  refused(R"({"prompt":"x","steps":0})", "invalid_value", "steps");
  refused(R"({"prompt":"x","steps":1.5})", "invalid_value", "steps");
  refused(R"({"prompt":"x","seed":-1})", "invalid_value", "seed");
  refused(R"({"prompt":"x","fps":"8/0"})", "invalid_value", "fps");
  refused(R"({"prompt":"x","guidance":101})", "invalid_value", "guidance");
  refused(R"({"prompt":"x","input_reference":{"image_url":"http://169.254.169.254/"}})", "invalid_value",
          "input_reference");
  const Response file_id = ask(Method::kPost, "/v1/videos", R"({"prompt":"x","input_reference":{"file_id":"file_1"}})");
  EXPECT_EQ(file_id.status, 400);
  EXPECT_NE(file_id.body.find("file_id"), std::string::npos) << file_id.body;
  EXPECT_NE(file_id.body.find("image_url"), std::string::npos) << file_id.body;
  refused(R"({"prompt":"x","input_reference":{"image_url":"data:image/png;base64,AAAA"}})", "invalid_value",
          "input_reference");
  refused(R"({"prompt":"x","input_reference":{"image_url":"data:image/png;base64,?"}})", "invalid_value",
          "input_reference");
  refused(R"({"prompt":"x","video":{"id":"video_x"}})", "unknown_parameter", "video");
  const std::string form = "multipart/form-data; boundary=B";
  refused("--B\r\nnonsense", "invalid_multipart", "", form);
  refused("x", "invalid_multipart", "", "multipart/form-data");
  refused("--B\r\nContent-Disposition: form-data; name=prompt\r\n\r\n\xFF\r\n--B--", "invalid_value", "prompt", form);
  refused("--B\r\nContent-Disposition: form-data; name=prompt; filename=\"../../x\"\r\n\r\nx\r\n--B--", "invalid_value",
          "prompt", form);
  EXPECT_EQ(ask(Method::kGet, "/v1/videos?limit=0").status, 400);
  EXPECT_EQ(ask(Method::kGet, "/v1/videos?order=up").status, 400);
  EXPECT_EQ(ask(Method::kGet, "/v1/videos?after=video_none").status, 404);
  EXPECT_EQ(ask(Method::kGet, "/v1/videos?other=1").status, 400);
  EXPECT_EQ(ask(Method::kGet, "/v1/videos/%2e%2e").status, 404);
  EXPECT_EQ(ask(Method::kGet, "/v1/models/none").status, 404);
  EXPECT_EQ(ask(Method::kGet, "/v1/models/none/card").status, 404);
  EXPECT_EQ(ask(Method::kPost, "/v1/videos/video_x/remix", R"({"prompt":"x"})").status, 404);
  EXPECT_EQ(ask(Method::kPost, "/v1/videos/edits", R"({"prompt":"x","video":{"id":"../../x"}})").status, 404);
  EXPECT_EQ(ask(Method::kPost, "/v1/videos/edits", R"({"prompt":"x","video":"y"})").status, 400);
  EXPECT_EQ(ask(Method::kPost, "/v1/videos/extensions", R"({"prompt":"x"})").status, 400);
  EXPECT_EQ(queue_->size(), 0U);
}

TEST_F(Videos, WhatPeopleWriteComesBackAsItIs) {
  const std::string body =
      "--B\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nhold <script>\"\r\n"
      "--B\r\nContent-Disposition: form-data; name=\"seed\"\r\n\r\n18446744073709551615\r\n"
      "--B\r\nContent-Disposition: form-data; name=\"seconds\"\r\n\r\n2\r\n--B--\r\n";
  const Response response = ask(Method::kPost, "/v1/videos", body, "multipart/form-data; boundary=B");
  ASSERT_EQ(response.status, 200) << response.body;
  const base::Json json = json_of(response);
  EXPECT_EQ(*json.text("prompt"), "hold <script>\"");
  EXPECT_EQ(*json.text("seconds"), "2");
  EXPECT_EQ(*(*json.object("starling"))->u64("seed"), ~std::uint64_t{0});
}

TEST_F(Videos, AVideoGoesOnFromAPicture) {
  const auto picture = video::make_picture(20, 20, {});
  ASSERT_TRUE(video::write_png(shared() / "home" / "x.png", *picture).ok());
  const std::string png = *base::read_text_file(shared() / "home" / "x.png", 1 << 20);
  const std::string body =
      "--B\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nhold\r\n"
      "--B\r\nContent-Disposition: form-data; name=\"input_reference\"; filename=\"../x.png\"\r\n\r\n" +
      png + "\r\n--B--\r\n";
  const std::map<std::string, std::string> once{{"idempotency-key", "once"}};
  const Response response = ask(Method::kPost, "/v1/videos", body, "multipart/form-data; boundary=B", once);
  ASSERT_EQ(response.status, 200) << response.body;
  const std::string id = *json_of(response).text("id");
  EXPECT_EQ(queue_->find("", id)->request.start, 1);
  EXPECT_EQ(fs::file_size(queue_->folder(id) / "video.inputs"), 32U * 16U * 3U);
  // Sent again it is the same one, with other pixels it is not.
  EXPECT_EQ(*json_of(ask(Method::kPost, "/v1/videos", body, "multipart/form-data; boundary=B", once)).text("id"), id);
  std::string other = body;
  other.insert(other.size() - 9, "x");
  EXPECT_EQ(ask(Method::kPost, "/v1/videos", other, "multipart/form-data; boundary=B", once).status, 400);
  std::size_t folders = 0;
  for (const auto& entry : fs::directory_iterator(queue_->folder(""))) folders += entry.is_directory() ? 1 : 0;
  EXPECT_EQ(folders, 1U);
  // A network takes so many pixels with a video; that is said before it is asked for.
  gateway_.rules.network = true;
  gateway_.rules.most_pixels = std::uint64_t{1} << 24U;
  gateway_.rules.memory = std::uint64_t{1} << 40U;
  Router router;
  router.add(video_routes(gateway_));
  for (const auto& [size, status] : {std::pair("32x16", 200), std::pair("1184x1024", 400)}) {
    Request request;
    request.method = Method::kPost;
    request.headers = {{"content-type", "multipart/form-data; boundary=B"}};
    request.body =
        "--B\r\nContent-Disposition: form-data; name=\"num_frames\"\r\n\r\n5\r\n--B\r\nContent-Disposition: " +
        ("form-data; name=\"size\"\r\n\r\n" + std::string(size)) + "\r\n" + body;
    router.answer(request, "/v1/videos", Answer([status = status](const Response& given) {
                    EXPECT_EQ(given.status, status) << given.body;
                    if (status == 200) return;
                    EXPECT_EQ(code_of(given), "invalid_value");
                    EXPECT_NE(given.body.find("a network takes 3 MiB"), std::string::npos) << given.body;
                  }));
  }
}

TEST_F(Videos, TwoClipsAreConnected) {
  const auto picture = video::make_picture(20, 20, {});
  ASSERT_TRUE(video::write_png(shared() / "home" / "x.png", *picture).ok());
  const std::string png = *base::read_text_file(shared() / "home" / "x.png", 1 << 20);
  const auto form = [&] {
    std::string body = "--B\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nhold\r\n";
    for (const std::string name : {"video", "to"}) {
      body += "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"x.png\"\r\n\r\n" + png + "\r\n";
    }
    return body + "--B--\r\n";
  };
  const std::string type = "multipart/form-data; boundary=B";
  const Response made = ask(Method::kPost, "/v1/videos/extensions", form(), type);
  ASSERT_EQ(made.status, 200) << made.body;
  const jobs::VideoPointer video = queue_->find("", *json_of(made).text("id"));
  EXPECT_EQ(video->request.start, 1);
  EXPECT_EQ(video->request.end, 4) << "a picture holds for a stride";
  EXPECT_EQ(video->request.context, 1);
  const base::Json quote = json_of(ask(Method::kPost, "/v1/videos/extensions/quote", form(), type));
  EXPECT_EQ(*quote.integer("frames"), video->request.frames);
  // Nothing but an extension leads anywhere, and what is not there leads nowhere.
  EXPECT_EQ(code_of(ask(Method::kPost, "/v1/videos", R"({"prompt":"x","to":{"id":"video_none"}})")),
            "unknown_parameter");
  EXPECT_EQ(code_of(ask(Method::kPost, "/v1/videos/edits", form(), type)), "unknown_parameter");
  const std::string none = R"({"prompt":"x","video":{"id":"video_none"},"to":{"id":"video_none"}})";
  EXPECT_EQ(ask(Method::kPost, "/v1/videos/extensions", none).status, 404);
}

TEST_F(Videos, AQuoteSaysWhatAVideoComesTo) {
  const auto quote = [&](const std::string& body) { return ask(Method::kPost, "/v1/videos/quote", body); };
  const base::Json four = json_of(quote(R"({"prompt":"x","steps":4})"));
  const base::Json eight = json_of(quote(R"({"prompt":"x","steps":8})"));
  EXPECT_EQ(*eight.integer("calls"), *four.integer("calls") + 4);
  EXPECT_GT(*(*eight.object("work"))->u64("f32_multiply_adds"), *(*four.object("work"))->u64("f32_multiply_adds"));
  EXPECT_EQ(*four.text("price"), "0");
  EXPECT_TRUE(four.find("providers")->is_null());
  EXPECT_EQ(queue_->size(), 0U);
  // What is refused is refused in the same words, and a quote is no request for something to be made.
  EXPECT_EQ(json_of(quote(R"({"prompt":"x","size":"100x100"})")).to_text(),
            json_of(ask(Method::kPost, "/v1/videos", R"({"prompt":"x","size":"100x100"})")).to_text());
  const auto slow = keys_->create({"", {}, std::nullopt, 1, ""}, 1);
  const std::map<std::string, std::string> key{{"authorization", "Bearer " + slow->secret}};
  for (int i = 0; i < 11; ++i) {
    EXPECT_EQ(ask(Method::kPost, "/v1/videos/quote", R"({"prompt":"x"})", "application/json", key).status,
              i < 10 ? 200 : 429);
  }
  EXPECT_EQ(ask(Method::kPost, "/v1/videos", R"({"prompt":"x"})", "application/json", key).status, 200);
  EXPECT_EQ(ask(Method::kPost, "/v1/videos", R"({"prompt":"x"})", "application/json", key).status, 429);
}

TEST_F(Videos, WhatTakesTooLongHereIsRefusedWithWhatDoesNot) {
  jobs::PaceOptions options;
  options.model = &*model_;
  options.model_root = gateway_.rules.model_root;
  options.most_seconds = 100;
  options.threads = 1;
  const auto pace = *jobs::Pace::open(*database_, options);
  gateway_.pace = pace.get();
  const generate::TextToVideo usual = gateway_.rules.usual;
  const double guessed = *pace->seconds(usual);
  // The usual video takes ten seconds from now on.
  const jobs::VideoQuote quoted = *gateway_.quote({"", "", "", usual, nullptr, "", false, "", {}});
  for (int i = 0; i < 100; ++i) pace->note(quoted.work, 10.0);
  EXPECT_NE(guessed, *pace->seconds(usual));
  EXPECT_NEAR(*pace->seconds(usual), 10.0, 0.1);
  Router router;
  router.add(video_routes(gateway_));
  router.add(image_route(gateway_));
  const auto post = [&](const std::string& path, const std::string& body) {
    Request request;
    request.method = Method::kPost;
    request.headers = {{"content-type", "application/json"}};
    request.body = body;
    Response response;
    router.answer(request, path, Answer([&](Response given) { response = std::move(given); }));
    return response;
  };
  const base::Json fine = json_of(post("/v1/videos/quote", R"({"prompt":"hold","num_frames":17})"));
  EXPECT_NEAR(*fine.find("expected_seconds")->as_number(), 10.0, 0.1);
  EXPECT_EQ(post("/v1/videos", R"({"prompt":"hold","num_frames":17})").status, 200);
  const std::string large = R"({"prompt":"hold","size":"320x160","num_frames":17})";
  for (const char* const path : {"/v1/videos", "/v1/videos/quote"}) {
    const Response refused = post(path, large);
    EXPECT_EQ(refused.status, 400) << refused.body;
    EXPECT_EQ(code_of(refused), "invalid_value");
    EXPECT_EQ(*(*json_of(refused).object("error"))->text("param"), "size");
  }
  EXPECT_EQ(post("/v1/images/generations", R"({"prompt":"hold","size":"800x400","steps":1000})").status, 400);
  EXPECT_EQ(queue_->size(), 1U);
  // What it names instead can be asked for.
  const std::string message = *(*json_of(post("/v1/videos", large)).object("error"))->text("message");
  const std::size_t at = message.find("it makes ") + 9;
  ASSERT_NE(message.find("it makes "), std::string::npos) << message;
  const std::string size = message.substr(at, message.find(' ', at) - at);
  EXPECT_EQ(post("/v1/videos", R"({"prompt":"hold","num_frames":17,"size":")" + size + "\"}").status, 200) << message;
}

// One key holds not all there is of streams and checks, and has back what it closed.
TEST_F(Videos, AKeyHasAShareOfStreams) {
  VideoEvents events(*queue_, 6, 4);
  const std::string id = make("hold");
  std::vector<Response> open;
  for (int i = 0; i < 4; ++i) {
    open.push_back(events.open("a", id));
    EXPECT_TRUE(open.back().stream);
  }
  EXPECT_EQ(code_of(events.open("a", id)), "too_many_streams");
  EXPECT_TRUE(events.open("b", id).stream);
  open.back().stream->close();  // the server has it still
  EXPECT_TRUE(events.open("a", id).stream);
  // Without keys all are one.
  for (int i = 0; i < 3; ++i) open.push_back(events.open("", id));
  EXPECT_TRUE(open.back().stream);
  EXPECT_EQ(code_of(events.open("", id)), "too_many_streams");
}

TEST_F(Videos, KeysAreManagedByThoseThatMay) {
  // Nobody makes the first one from afar.
  EXPECT_EQ(ask(Method::kGet, "/v1/keys").status, 403);
  EXPECT_EQ(ask(Method::kPost, "/v1/keys", "{}").status, 403);
  const auto bearer = [](const std::string& secret) {
    return std::map<std::string, std::string>{{"authorization", "Bearer " + secret}};
  };
  const auto usual = keys_->create({"usual", {}, std::nullopt, 0, ""}, 1);
  const auto chief = keys_->create({"chief", *jobs::Scopes::from_text("keys,write,read"), std::nullopt, 0, ""}, 1);
  EXPECT_EQ(chief->key.scopes.text(), "read,write,keys");
  const auto as = [&](const std::string& secret, Method method, const std::string& path, const std::string& body = "") {
    return ask(method, path, body, "application/json", bearer(secret));
  };
  for (const char* const path : {"/v1/keys", "/v1/%6beys"}) {
    EXPECT_EQ(as(usual->secret, Method::kGet, path).status, 403) << path;
  }
  EXPECT_EQ(as(usual->secret, Method::kPost, "/v1/keys", R"({"scopes":"keys"})").status, 403);
  EXPECT_EQ(as(usual->secret, Method::kDelete, "/v1/keys/" + chief->key.id).status, 403);
  EXPECT_EQ(as("", Method::kGet, "/v1/keys").status, 401);

  const Response made = as(chief->secret, Method::kPost, "/v1/keys",
                           R"({"name":"<b>guest</b>","scopes":"read","budget":"5000000000","per_minute":3})");
  ASSERT_EQ(made.status, 200) << made.body;
  const std::string secret = *json_of(made).text("secret");
  EXPECT_EQ(keys_->find(secret)->budget, std::uint64_t{5'000'000'000});
  EXPECT_EQ(as(secret, Method::kGet, "/v1/videos").status, 200);
  EXPECT_EQ(as(secret, Method::kPost, "/v1/videos", R"({"prompt":"x"})").status, 403);
  const Response listed = as(chief->secret, Method::kGet, "/v1/keys");
  EXPECT_EQ(json_of(listed).find("data")->elements().size(), 3U);
  EXPECT_EQ(listed.body.find(secret.substr(12)), std::string::npos);
  for (const char* const body :
       {R"({"scopes":"all"})", R"({"scopes":"read,read"})", R"({"scopes":""})", R"({"budget":5})", R"({"budget":"-1"})",
        R"({"per_minute":-1})", R"({"webhook":"http://10.0.0.1"})"}) {
    EXPECT_EQ(as(chief->secret, Method::kPost, "/v1/keys", body).status, 400) << body;
  }
  const std::string id = *json_of(made).text("id");
  EXPECT_TRUE(json_of(made).find("expires_at")->is_null());
  EXPECT_EQ(as(chief->secret, Method::kDelete, "/v1/keys/" + id).status, 200);
  EXPECT_EQ(as(chief->secret, Method::kDelete, "/v1/keys/key_none").status, 404);
  // What is given until a time works until then.
  const Response guest = as(chief->secret, Method::kPost, "/v1/keys", R"({"expires_at":1002})");
  ASSERT_EQ(guest.status, 200) << guest.body;
  EXPECT_EQ(*json_of(guest).integer("expires_at"), 1002);
  const std::string guest_secret = *json_of(guest).text("secret");
  milliseconds_ = 1'001'999;
  EXPECT_EQ(as(guest_secret, Method::kGet, "/v1/videos").status, 200);
  milliseconds_ = 1'002'000;
  const Response expired = as(guest_secret, Method::kGet, "/v1/videos");
  EXPECT_EQ(expired.status, 401);
  EXPECT_EQ(code_of(expired), "invalid_api_key");
  EXPECT_NE(expired.body.find("expired at 1970-01-01T00:16:42Z"), std::string::npos) << expired.body;
  for (const char* const body : {R"({"expires_at":1000})", R"({"expires_at":"1002"})", R"({"expires_at":1e30})"}) {
    EXPECT_EQ(as(chief->secret, Method::kPost, "/v1/keys", body).status, 400) << body;
  }
  // The scope is enough for what is about keys, and for nothing else.
  const auto keeper = keys_->create({"keeper", *jobs::Scopes::from_text("keys"), std::nullopt, 0, ""}, 1);
  EXPECT_EQ(as(keeper->secret, Method::kGet, "/v1/keys").status, 200);
  EXPECT_EQ(as(keeper->secret, Method::kPost, "/v1/keys", R"({"scopes":"read"})").status, 200);
  EXPECT_EQ(as(keeper->secret, Method::kGet, "/v1/videos").status, 403);
  EXPECT_EQ(as(keeper->secret, Method::kPost, "/v1/videos", R"({"prompt":"x"})").status, 403);
  EXPECT_EQ(as(secret, Method::kGet, "/v1/videos").status, 401);
}

TEST_F(Videos, AFullQueueSaysSo) {
  make("hold");
  Response last;
  for (int i = 0; i < 10; ++i) last = ask(Method::kPost, "/v1/videos", R"({"prompt":"more"})");
  EXPECT_EQ(last.status, 429);
  EXPECT_EQ(code_of(last), "too_many_videos");
}

TEST_F(Videos, OriginsAndHostsAreHeldApart) {
  const auto status = [&](const std::map<std::string, std::string>& headers) {
    return ask(Method::kGet, "/v1/videos", "", "", headers).status;
  };
  EXPECT_EQ(status({{"host", "127.0.0.1:8000"}}), 200);
  EXPECT_EQ(status({{"host", "[::1]:8000"}}), 200);
  EXPECT_EQ(status({{"host", "rebound.example:8000"}}), 403);
  EXPECT_EQ(status({{"host", "127.0.0.1.example"}}), 403);
  EXPECT_EQ(status({{"origin", "https://evil.example"}}), 403);
  EXPECT_EQ(status({{"origin", "null"}}), 403);
  EXPECT_EQ(status({{"origin", "https://page.example"}}), 200);
  EXPECT_EQ(status({{"origin", "http://localhost:1"}}), 200);
  Request preflight;
  preflight.path = "/v1/videos";
  preflight.headers = {{"host", "localhost"},
                       {"origin", "https://page.example"},
                       {"access-control-request-headers", "authorization, x-stainless-os"}};
  const Screened allowed = access_->screen("OPTIONS", preflight);
  EXPECT_EQ(allowed.refusal->status, 204);
  const auto allows = [&](const std::string& name, const std::string& value) {
    return std::ranges::any_of(allowed.headers, [&](const auto& header) {
      return header.first == name && header.second.find(value) != std::string::npos;
    });
  };
  EXPECT_TRUE(allows("Access-Control-Allow-Origin", "https://page.example"));
  EXPECT_TRUE(allows("Access-Control-Expose-Headers", "Retry-After-Ms"));
  preflight.headers["origin"] = "https://evil.example";
  EXPECT_EQ(access_->screen("OPTIONS", preflight).refusal->status, 403);
}

TEST_F(Videos, WithoutBudgetNothingIsAskedFor) {
  const auto spent = keys_->create({"", {}, 0, 0, ""}, 1);
  ASSERT_TRUE(spent.ok());
  const Response response = ask(Method::kPost, "/v1/videos", R"({"prompt":"x"})", "application/json",
                                {{"authorization", "Bearer " + spent->secret}});
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(code_of(response), "insufficient_quota");
  const Response picture = ask(Method::kPost, "/v1/images/generations", R"({"prompt":"x"})", "application/json",
                               {{"authorization", "Bearer " + spent->secret}});
  EXPECT_EQ(picture.status, 429);
  EXPECT_EQ(code_of(picture), "insufficient_quota");
}

TEST_F(Videos, WhereTheServerKeepsItsFilesIsForItsLog) {
  const std::string id = make("disk");
  ASSERT_TRUE(until(id, "failed"));
  const Response shown = ask(Method::kGet, "/v1/videos/" + id);
  EXPECT_EQ(shown.body.find("/home"), std::string::npos) << shown.body;
  EXPECT_NE(shown.body.find("as its log says"), std::string::npos) << shown.body;
  EXPECT_EQ(ask(Method::kGet, "/v1/videos/" + id + "/content").body.find("/home"), std::string::npos);
  EXPECT_EQ(jobs::without_paths(base::invalid("ask for 1/2 of it, and/or less: see http://x/y")),
            "ask for 1/2 of it, and/or less: see http://x/y");
  const Response refused = refuse(base::io_error("cannot write \"/home/x\": the disk is full"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body.find("/home"), std::string::npos) << refused.body;
}

TEST_F(Videos, ErrorsAreSpeltInOneWay) {
  ServerOptions options;
  options.on_error = spell_error;
  auto server = Server::start(router_, options);
  ASSERT_TRUE(server.ok());
  const std::string id = make("x");
  ASSERT_TRUE(until(id, "completed"));
  const auto said = [&](const std::string& line, const std::string& more = "") {
    RawClient client((*server)->port());
    client.send(line + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n");
    return client.receive_until("}}\n");
  };
  const std::string nothing = said("GET /v1/nothing");
  EXPECT_NE(nothing.find(R"("code":"not_found")"), std::string::npos) << nothing;
  EXPECT_NE(nothing.find("GET /openapi.json lists what is"), std::string::npos) << nothing;
  const std::string method = said("DELETE /v1/videos", "Content-Length: 0\r\n");
  EXPECT_NE(method.find(R"("code":"method_not_allowed")"), std::string::npos) << method;
  EXPECT_NE(method.find("Allow: "), std::string::npos) << method;
  const std::string range = said("GET /v1/videos/" + id + "/content", "Range: bytes=99999999999999999999-\r\n");
  EXPECT_NE(range.find(" 416 "), std::string::npos) << range;
  EXPECT_NE(range.find(R"("code":"invalid_argument")"), std::string::npos) << range;
  EXPECT_NE(range.find("Content-Range: bytes */"), std::string::npos) << range;
  Response node = error_response(404, "NOT_FOUND", "of a node");
  spell_error("/v1/network/accounts/x", node);
  EXPECT_EQ(code_of(node), "NOT_FOUND");
}

TEST_F(Videos, EventsComeAsTheyHappen) {
  ServerOptions options;
  options.screen = [this](std::string_view method, const Request& request) { return access_->screen(method, request); };
  auto server = Server::start(router_, options);
  ASSERT_TRUE(server.ok());
  const std::string held = make("hold");
  ASSERT_TRUE(until(held, "in_progress"));
  const std::string next = make("good");
  const auto watch = [&](const std::string& id) {
    RawClient client((*server)->port());
    client.send("GET /v1/videos/" + id + "/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client;
  };
  RawClient first = watch(held);
  RawClient second = watch(next);
  EXPECT_NE(first.receive_until("event: video.in_progress").find("text/event-stream"), std::string::npos);
  EXPECT_NE(second.receive_until("event: video.queued").find("event: video.queued"), std::string::npos);
  RawClient gone = watch(held);
  gone.receive_until("event: video.in_progress");
  EXPECT_TRUE(queue_->is_watched(held));
  queue_->show_preview(held, {2, 30, {1, 2, 3}});
  EXPECT_NE(first.receive_until("\n\n").find(R"("b64_png":"AQID")"), std::string::npos);
  ASSERT_TRUE(*queue_->remove("", held));
  EXPECT_NE(first.receive_until("0\r\n\r\n").find("event: video.deleted"), std::string::npos);
  const std::string rest = second.receive_until("0\r\n\r\n");
  EXPECT_NE(rest.find("event: video.in_progress"), std::string::npos) << rest;
  EXPECT_NE(rest.find("event: video.completed"), std::string::npos) << rest;
  EXPECT_EQ(ask(Method::kGet, "/v1/videos/video_none/events").status, 404);
  // What is checked.
  RawClient checking((*server)->port());
  checking.send("POST /v1/videos/" + next + "/check HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  const std::string checked = checking.receive_until("0\r\n\r\n");
  EXPECT_NE(checked.find("event: check.done"), std::string::npos) << checked;
  EXPECT_NE(checked.find(R"("valid":false)"), std::string::npos) << checked;
  EXPECT_EQ(ask(Method::kPost, "/v1/videos/video_none/check").status, 404);
  const std::string check = "/v1/videos/" + next + "/check";
  for (const char* const body : {R"({"calls":0})", R"({"calls":"3"})", R"({"call":3})", "{"}) {
    EXPECT_EQ(ask(Method::kPost, check, body).status, 400) << body;
  }
  // A server stops while somebody watches.
  const std::string last = make("hold");
  EXPECT_EQ(code_of(ask(Method::kPost, "/v1/videos/" + last + "/check")), "video_not_ready");
  RawClient watching = watch(last);
  watching.receive_until("event: video.");
  (*server)->stop();
  EXPECT_TRUE(watching.closed_within(5000));
}

}  // namespace
}  // namespace starling::api::videos
