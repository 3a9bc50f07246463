# cmake -DNM=nm -DNAMESPACE=avx2 -DOBJECTS=a.o,b.o -P foreign_symbols.cmake
#
# Code compiled for one instruction set must not define a function that the linker could choose for the rest of the program:
# every function that other files can see has the folder's name in it.
string(REPLACE "," ";" objects "${OBJECTS}")
execute_process(COMMAND ${NM} --defined-only --extern-only --no-sort ${objects} OUTPUT_VARIABLE output RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${NM} could not read ${OBJECTS}")
endif()
string(REGEX MATCHALL "[0-9a-f]+ [TWi] [^\n]+" symbols "${output}")
list(LENGTH symbols count)
if(count EQUAL 0)
  message(FATAL_ERROR "${OBJECTS} define nothing, so nothing was checked")
endif()
list(FILTER symbols EXCLUDE REGEX "${NAMESPACE}")
if(symbols)
  list(JOIN symbols "\n" symbols)
  message(FATAL_ERROR "Symbols outside the namespace ${NAMESPACE}:\n${symbols}")
endif()
