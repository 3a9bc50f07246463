#pragma once

#include <string_view>

#include "api/http.h"

namespace starling::api::videos {

// An error as OpenAI's clients read it: {"error": {"message", "type", "param", "code"}}. The type follows from the
// status. param: the parameter that was wrong; empty: none. code: a word for programs; empty: none.
Response refuse(int status, std::string_view code, std::string_view param, std::string_view message);
// 400.
Response refuse_parameter(std::string_view param, std::string_view message);
// 404, also of what belongs to somebody else.
Response no_such_video(std::string_view id);
Response no_such_model();
// Of what is no fault of the request's. Paths of this machine are left to the log.
Response refuse(const base::Error& error);
// ServerOptions::on_error: the codes of what the server itself refuses in small letters, as all others are, but for
// what a network's node answered.
void spell_error(std::string_view target, Response& response);

}  // namespace starling::api::videos
