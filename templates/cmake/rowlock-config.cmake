# For CMake projects that run their tests with Rowlock:
#
#     find_package(rowlock)         # or include() this file
#     enable_testing()
#     add_test(...)
#     rowlock_add_targets()
#
# rowlock_add_targets([PREFIX <prefix>] [DEPENDS <target>...] [ARGS <word>...]
#                     [COVERAGE <percent>] [LINT <word>...])
#
# adds targets that run what ctest would run in this build folder:
#
#     test-parallel           rowlock parallel
#     test-parallel-cov       rowlock parallel --coverage
#     test-sequential         rowlock sequential
#     test-unit-parallel      rowlock parallel -m unit (tests with the LABEL unit)
#     test-integration-parallel
#     test-validate-parallel  rowlock validate
#     test-compare            one after another, then in parallel: the same verdicts, and, where ARGS
#                             ask for it (--coverage), the same lines covered?
#     quality-gate            tests pass in parallel, enough is covered, parallel equals sequential, lint
#
# COVERAGE is the percentage that quality-gate wants (80; 0: it measures none), LINT the command that it runs
# at its end.
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

# Behind the name: the words for rowlock, or COMMAND and whole commands.
function(_rowlock_target name)
  if(ROWLOCK_EXECUTABLE)
    list(GET ARGN 0 first)
    if(first STREQUAL "COMMAND")
      set(commands ${ARGN})
    else()
      set(commands COMMAND "${ROWLOCK_EXECUTABLE}" ${ARGN})
    endif()
    add_custom_target("${name}" ${commands}
      WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}" USES_TERMINAL VERBATIM)
  else()
    add_custom_target("${name}"
      COMMAND "${CMAKE_COMMAND}" -E echo
        "rowlock was not found; run cmake again with -DROWLOCK_EXECUTABLE=FILE"
      COMMAND "${CMAKE_COMMAND}" -E false VERBATIM)
  endif()
endfunction()

# test-compare and quality-gate; words are those of a run. What begins with run_ is without coverage, with
# cov_ with it.
function(_rowlock_comparing prefix coverage lint words)
  set(reports "${CMAKE_BINARY_DIR}/rowlock-compare")
  set(chosen "")
  set(covered "${CMAKE_SOURCE_DIR}/coverage-")
  if("${words}" MATCHES "(^|;)--cov-report")
    set(chosen yes)
    set(covered "${reports}/coverage-")
  endif()
  foreach(how IN ITEMS sequential parallel)
    set(run_${how} "${ROWLOCK_EXECUTABLE}" ${how} ${words} --report-json "${reports}/${how}.json")
    set(cov_${how} ${run_${how}} --coverage)
    if(chosen)
      list(APPEND cov_${how} --cov-report "json:${covered}${how}.json")
    endif()
  endforeach()
  set(run_clear COMMAND "${CMAKE_COMMAND}" -E make_directory "${reports}"
    COMMAND "${CMAKE_COMMAND}" -E remove -f "${reports}/sequential.json" "${reports}/parallel.json")
  set(cov_clear ${run_clear} "${covered}sequential.json" "${covered}parallel.json")
  # Failed tests (1) are for the comparison to tell.
  set(tolerant COMMAND sh -c "\"$@\" || test $? = 1" sh)
  set(run_compare COMMAND "${ROWLOCK_EXECUTABLE}" report --compare "${reports}/sequential.json"
    "${reports}/parallel.json")
  set(cov_compare ${run_compare} COMMAND "${ROWLOCK_EXECUTABLE}" collect --compare --no-counts
    "${covered}sequential.json" "${covered}parallel.json")
  set(kind run)
  if("${words}" MATCHES "(^|;)--cov")
    set(kind cov)
  endif()
  _rowlock_target("${prefix}test-compare" ${${kind}_clear} ${tolerant} ${${kind}_sequential}
    ${tolerant} ${${kind}_parallel} ${${kind}_compare})
  set(least "")
  if(coverage)
    set(kind cov)
    set(least --cov-fail-under ${coverage})
  endif()
  if(lint)
    set(lint COMMAND ${lint})
  endif()
  _rowlock_target("${prefix}quality-gate" ${${kind}_clear} COMMAND ${${kind}_parallel} ${least}
    ${tolerant} ${${kind}_sequential} ${${kind}_compare} ${lint})
endfunction()

function(rowlock_add_targets)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "PREFIX;COVERAGE" "DEPENDS;ARGS;LINT")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "rowlock_add_targets: '${arg_UNPARSED_ARGUMENTS}' is none of PREFIX, DEPENDS, ARGS, COVERAGE and LINT")
  endif()
  if(NOT DEFINED arg_COVERAGE)
    set(arg_COVERAGE 80)
  endif()
  set(run --ctest "${CMAKE_BINARY_DIR}")
  _rowlock_target("${arg_PREFIX}test-parallel" parallel ${run} ${arg_ARGS})
  _rowlock_target("${arg_PREFIX}test-parallel-cov" parallel --coverage ${run} ${arg_ARGS})
  _rowlock_target("${arg_PREFIX}test-sequential" sequential ${run} ${arg_ARGS})
  _rowlock_target("${arg_PREFIX}test-unit-parallel" parallel -m unit ${run} ${arg_ARGS})
  _rowlock_target("${arg_PREFIX}test-integration-parallel" parallel -m integration ${run} ${arg_ARGS})
  _rowlock_target("${arg_PREFIX}test-validate-parallel" validate)
  _rowlock_comparing("${arg_PREFIX}" "${arg_COVERAGE}" "${arg_LINT}" "${run};${arg_ARGS}")
  if(arg_DEPENDS)
    foreach(name IN ITEMS test-parallel test-parallel-cov test-sequential test-unit-parallel
        test-integration-parallel test-compare quality-gate)
      add_dependencies("${arg_PREFIX}${name}" ${arg_DEPENDS})
    endforeach()
  endif()
endfunction()
