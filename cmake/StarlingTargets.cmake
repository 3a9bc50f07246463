# What every target shares, and the two functions that declare one target per folder.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

# Exactness: no contraction of a*b+c unless the source says fma, and nothing that -ffast-math implies.
add_compile_options(-Wall -Wextra -Wpedantic -ffp-contract=off -fno-fast-math -fvisibility=hidden)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)  # false alarms on std::string's operator+ (GCC bug 105651)
endif()

option(STARLING_FUZZ "Build fuzz targets with libFuzzer (clang)" OFF)
if(STARLING_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
set(STARLING_SANITIZE "" CACHE STRING "Sanitizers to build with, as in -fsanitize=")
if(STARLING_SANITIZE)
  add_compile_options(-fsanitize=${STARLING_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${STARLING_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)  # false alarms in instrumented code, as GCC's manual says
  endif()
endif()

# Files of a folder may be compiled together (CMAKE_UNITY_BUILD): a whole build takes half the time, a change longer.
# So names in unnamed namespaces are unique in their folder; code for an instruction set stays apart.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-subobject-linkage)  # takes a file that is included for a header
endif()

find_program(STARLING_CCACHE ccache)
if(STARLING_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${STARLING_CCACHE}")
endif()

if(EMSCRIPTEN)
  # SIMD of 128 bits has the operations of IEEE 754, rounded once, and no others; every browser of 2023 has it. What
  # clang 14 makes vectors of by itself comes out wrong: the first of four rows of a norm.
  add_compile_options(-msimd128 -fno-slp-vectorize -include "${CMAKE_CURRENT_LIST_DIR}/wasm/missing_from_libcxx.h")
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# starling_library(NAME [DEPENDS targets...]): the library of the folder it is called in. Every .cpp in the folder and in
# its subfolders belongs to it, but for subfolders that call starling_isa() or are another machine's (EXCLUDE); or only
# these (SOURCES).
function(starling_library name)
  cmake_parse_arguments(arg "" "" "DEPENDS;EXCLUDE;SOURCES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  if(arg_SOURCES)
    set(sources ${arg_SOURCES})
  endif()
  foreach(folder ${arg_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX "/${folder}/")
  endforeach()
  if(NOT sources)  # headers only
    add_library(starling_${name} INTERFACE)
    target_include_directories(starling_${name} INTERFACE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(starling_${name} INTERFACE ${arg_DEPENDS})
    return()
  endif()
  add_library(starling_${name} STATIC ${sources})
  target_include_directories(starling_${name} PUBLIC "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(starling_${name} PUBLIC ${arg_DEPENDS} Threads::Threads)
endfunction()

# starling_test(NAME [DEPENDS targets...] [SOURCES files...] [CHILDREN]): one test program per folder of tests/, from every
# .cpp in it or only these.
# CHILDREN: its tests start processes and kill them (tests/child.h).
function(starling_test name)
  cmake_parse_arguments(arg "CHILDREN" "" "DEPENDS;SOURCES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  if(arg_SOURCES)
    set(sources ${arg_SOURCES})
  endif()
  add_executable(${name}_test ${sources})
  target_link_libraries(${name}_test PRIVATE starling_${name} ${arg_DEPENDS} GTest::gtest)
  if(arg_CHILDREN)
    target_sources(${name}_test PRIVATE "${PROJECT_SOURCE_DIR}/tests/child.cpp")
    if(CMAKE_CROSSCOMPILING_EMULATOR)
      list(JOIN CMAKE_CROSSCOMPILING_EMULATOR "\\n" emulator)
      target_compile_definitions(${name}_test PRIVATE STARLING_TEST_EMULATOR="${emulator}")
    endif()
  else()
    target_link_libraries(${name}_test PRIVATE GTest::gtest_main)
  endif()
  if(EMSCRIPTEN)
    target_link_options(${name}_test PRIVATE -sALLOW_MEMORY_GROWTH -sEXIT_RUNTIME -sSINGLE_FILE)
  endif()
  target_include_directories(${name}_test PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_compile_definitions(${name}_test PRIVATE STARLING_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data")
  add_test(NAME ${name} COMMAND ${name}_test)
endfunction()

# starling_allocator(TARGET): has a program take its memory from jemalloc. The ledger makes and drops many small nodes on
# several threads. The sanitizers bring an allocator of their own.
function(starling_allocator target)
  if(NOT STARLING_SANITIZE)
    pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
    target_link_libraries(${target} PRIVATE PkgConfig::JEMALLOC)
  endif()
endfunction()

# starling_fuzz(NAME [DEPENDS targets...]): the fuzz target NAME.cpp with its inputs in corpus/NAME. With STARLING_FUZZ
# (clang) it is a libFuzzer program; without, a test that runs the corpus and changed copies of it.
function(starling_fuzz name)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  add_executable(fuzz_${name} ${name}.cpp)
  target_link_libraries(fuzz_${name} PRIVATE ${arg_DEPENDS})
  if(STARLING_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE "${PROJECT_SOURCE_DIR}/fuzz/run_corpus.cpp")
    add_test(NAME fuzz_${name} COMMAND fuzz_${name} "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}")
  endif()
endfunction()
