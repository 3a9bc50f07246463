# cmake -D FOLDER=web/dist -D OUTPUT=studio_files.cpp -P embed_studio.cmake: the files of a folder as a source file.
set(types ".html=text/html\; charset=utf-8" ".js=text/javascript\; charset=utf-8" ".css=text/css\; charset=utf-8"
    ".svg=image/svg+xml" ".webmanifest=application/manifest+json" ".wasm=application/wasm")
file(GLOB_RECURSE files RELATIVE "${FOLDER}" "${FOLDER}/*")
list(SORT files)
set(arrays "")
set(rows "")
set(index 0)
foreach(file IN LISTS files)
  get_filename_component(extension "${file}" LAST_EXT)
  set(type "")
  foreach(entry IN LISTS types)
    if(entry MATCHES "^\\${extension}=(.*)$")
      set(type "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  if(type STREQUAL "")
    message(FATAL_ERROR "${file}: embed_studio.cmake knows no content type of it")
  endif()
  file(READ "${FOLDER}/${file}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(................................................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char kFile${index}[] = {\n${bytes}0};\n")
  set(path "/${file}")
  if(file STREQUAL "index.html")
    set(path "/")
  endif()
  set(lasting false)
  if(file MATCHES "^assets/")
    set(lasting true)
  endif()
  string(APPEND rows "      {\"${path}\", \"${type}\", {reinterpret_cast<const char*>(kFile${index}), ${size}}, ${lasting}},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE "${OUTPUT}" "#include \"api/studio.h\"

namespace starling::api {
namespace {

${arrays}
}  // namespace

const std::vector<StudioFile>& studio_files() {
  static const std::vector<StudioFile> files = {
${rows}  };
  return files;
}

}  // namespace starling::api
")
