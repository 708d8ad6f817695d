# For CMake projects that run their tests with Rowlock:
#
#     find_package(rowlock)         # or include() this file
#     enable_testing()
#     add_test(...)
#     rowlock_add_targets()
#
# rowlock_add_targets([PREFIX <prefix>] [DEPENDS <target>...] [ARGS <word>...])
#
# adds targets that run what ctest would run in this build folder:
#
#     test-parallel           rowlock parallel
#     test-parallel-cov       rowlock parallel --coverage
#     test-sequential         rowlock sequential
#     test-unit-parallel      rowlock parallel -m unit (tests with the LABEL unit)
#     test-integration-parallel
#     test-validate-parallel  rowlock validate
#
# PREFIX goes before their names. DEPENDS are built before tests run: name the targets that tests need,
# or build all first. ARGS are further words of the command line. Where Rowlock is not found, the targets say so
# and fail.
#
# Sets ROWLOCK_EXECUTABLE (cache; -DROWLOCK_EXECUTABLE=FILE names it) and rowlock_FOUND.

get_filename_component(_rowlock_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
find_program(ROWLOCK_EXECUTABLE rowlock HINTS "${_rowlock_prefix}/bin"
  DOC "The program rowlock, which runs tests in parallel")
unset(_rowlock_prefix)
if(ROWLOCK_EXECUTABLE)
  set(rowlock_FOUND TRUE)
else()
  set(rowlock_FOUND FALSE)
  set(rowlock_NOT_FOUND_MESSAGE
    "the program rowlock was not found; name it with -DROWLOCK_EXECUTABLE=FILE")
endif()

function(_rowlock_target name)
  if(ROWLOCK_EXECUTABLE)
    add_custom_target("${name}" COMMAND "${ROWLOCK_EXECUTABLE}" ${ARGN}
      WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}" USES_TERMINAL VERBATIM)
  else()
    add_custom_target("${name}"
      COMMAND "${CMAKE_COMMAND}" -E echo
        "rowlock was not found; run cmake again with -DROWLOCK_EXECUTABLE=FILE"
      COMMAND "${CMAKE_COMMAND}" -E false VERBATIM)
  endif()
endfunction()

function(rowlock_add_targets)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "PREFIX" "DEPENDS;ARGS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "rowlock_add_targets: '${arg_UNPARSED_ARGUMENTS}' is none of PREFIX, DEPENDS and ARGS")
  endif()
  set(run --ctest "${CMAKE_BINARY_DIR}")
  _rowlock_target("${arg_PREFIX}test-parallel" parallel ${run} ${arg_ARGS})
  _rowlock_target("${arg_PREFIX}test-parallel-cov" parallel --coverage ${run} ${arg_ARGS})
  _rowlock_target("${arg_PREFIX}test-sequential" sequential ${run} ${arg_ARGS})
  _rowlock_target("${arg_PREFIX}test-unit-parallel" parallel -m unit ${run} ${arg_ARGS})
  _rowlock_target("${arg_PREFIX}test-integration-parallel" parallel -m integration ${run} ${arg_ARGS})
  _rowlock_target("${arg_PREFIX}test-validate-parallel" validate)
  if(arg_DEPENDS)
    foreach(name IN ITEMS parallel parallel-cov sequential unit-parallel integration-parallel)
      add_dependencies("${arg_PREFIX}test-${name}" ${arg_DEPENDS})
    endforeach()
  endif()
endfunction()
