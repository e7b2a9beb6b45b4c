"""The server variables that Trireme sets live, by the kind of their values. Chosen by hand; a test asks a real server.

In: what SET GLOBAL changes for new connections, or at once, in every MariaDB from 10.11. Out: what makes a server busy
or is sized by Trireme (innodb_buffer_pool_size, innodb_log_file_size), what cannot be switched on later
(query_cache_type, max_user_connections), what can crash it (wsrep_slave_threads), replication and binary log formats,
and all that names files. What is not here takes a restart, which is never wrong.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


BOOLEANS = _words(
    """
    disconnect_on_expired_password encrypt_tmp_disk_tables explicit_defaults_for_timestamp general_log
    innodb_adaptive_flushing innodb_adaptive_hash_index innodb_buffer_pool_dump_at_shutdown
    innodb_cmp_per_index_enabled innodb_deadlock_detect innodb_file_per_table innodb_flush_sync
    innodb_force_primary_key innodb_optimize_fulltext_only innodb_print_all_deadlocks
    innodb_random_read_ahead innodb_snapshot_isolation innodb_stats_auto_recalc innodb_stats_on_metadata
    innodb_stats_persistent innodb_status_output innodb_status_output_locks innodb_strict_mode
    innodb_table_locks innodb_undo_log_truncate local_infile log_bin_trust_function_creators
    log_queries_not_using_indexes log_slow_admin_statements log_slow_query low_priority_updates
    slow_query_log sql_safe_updates userstat wsrep_log_conflicts
    """
)

NUMBERS = _words(
    """
    analyze_max_length binlog_expire_logs_seconds bulk_insert_buffer_size connect_timeout
    default_password_lifetime default_week_format div_precision_increment eq_range_index_dive_limit
    expensive_subquery_limit extra_max_connections group_concat_max_len histogram_size host_cache_size
    idle_readonly_transaction_timeout idle_transaction_timeout idle_write_transaction_timeout
    in_predicate_conversion_threshold innodb_autoextend_increment innodb_buffer_pool_dump_pct
    innodb_compression_level innodb_fill_factor innodb_flush_log_at_timeout innodb_flush_log_at_trx_commit
    innodb_flush_neighbors innodb_flushing_avg_loops innodb_ft_result_cache_limit innodb_io_capacity
    innodb_io_capacity_max innodb_lock_wait_timeout innodb_lru_scan_depth
    innodb_max_purge_lag innodb_max_purge_lag_delay innodb_max_undo_log_size innodb_old_blocks_pct
    innodb_old_blocks_time innodb_online_alter_log_max_size innodb_purge_batch_size innodb_purge_threads
    innodb_read_ahead_threshold innodb_spin_wait_delay innodb_stats_persistent_sample_pages
    innodb_stats_transient_sample_pages innodb_sync_spin_loops interactive_timeout join_buffer_size
    join_buffer_space_limit join_cache_level key_buffer_size lock_wait_timeout
    log_slow_min_examined_row_limit log_slow_rate_limit log_warnings max_allowed_packet max_binlog_size
    max_connect_errors max_connections max_error_count max_heap_table_size max_join_size
    max_length_for_sort_data max_password_errors max_prepared_stmt_count max_recursive_iterations
    max_rowid_filter_size max_session_mem_used max_sort_length max_sp_recursion_depth
    min_examined_row_limit mrr_buffer_size net_buffer_length net_read_timeout net_retry_count
    net_write_timeout optimizer_prune_level optimizer_search_depth optimizer_selectivity_sampling_limit
    optimizer_use_condition_selectivity progress_report_time read_buffer_size read_rnd_buffer_size
    slow_launch_time sort_buffer_size stored_program_cache sync_binlog table_definition_cache
    table_open_cache thread_cache_size thread_pool_idle_timeout thread_pool_max_threads
    thread_pool_oversubscribe thread_pool_stall_limit tmp_disk_table_size tmp_memory_table_size
    tmp_table_size wait_timeout wsrep_ignore_apply_errors wsrep_max_ws_rows wsrep_max_ws_size
    wsrep_retry_autocommit wsrep_sync_wait wsrep_trx_fragment_size
    """
)
"""Whole numbers; K, M, G … are allowed in my.cnf."""

FRACTIONS = _words(
    """
    analyze_sample_percentage expire_logs_days innodb_adaptive_flushing_lwm innodb_max_dirty_pages_pct
    innodb_max_dirty_pages_pct_lwm log_slow_query_time long_query_time max_statement_time
    """
)

CHOICES: dict[str, tuple[str, ...]] = {
    "completion_type": _words("NO_CHAIN CHAIN RELEASE"),
    "histogram_type": _words("SINGLE_PREC_HB DOUBLE_PREC_HB JSON_HB"),
    "innodb_deadlock_report": _words("off basic full"),
    "innodb_default_row_format": _words("redundant compact dynamic"),
    "innodb_stats_method": _words("nulls_equal nulls_unequal nulls_ignored"),
    "use_stat_tables": _words(
        """
        NEVER COMPLEMENTARY PREFERABLY COMPLEMENTARY_FOR_QUERIES PREFERABLY_FOR_QUERIES
        """
    ),
    "wsrep_debug": _words("NONE SERVER TRANSACTION STREAMING CLIENT"),
    "wsrep_trx_fragment_unit": _words("bytes rows statements"),
}
"""One of these."""

SETS: dict[str, tuple[str, ...]] = {
    "log_output": _words("NONE FILE TABLE"),
    "log_slow_disabled_statements": _words("admin call slave sp"),
    "log_slow_filter": _words(
        """
        admin filesort filesort_on_disk filesort_priority_queue full_join full_scan not_using_index
        query_cache query_cache_miss tmp_table tmp_table_on_disk
        """
    ),
    "log_slow_verbosity": _words("innodb query_plan explain engine warnings full"),
    "note_verbosity": _words("basic unusable_keys explain"),
    "sql_mode": _words(
        """
        REAL_AS_FLOAT PIPES_AS_CONCAT ANSI_QUOTES IGNORE_SPACE IGNORE_BAD_TABLE_OPTIONS
        ONLY_FULL_GROUP_BY NO_UNSIGNED_SUBTRACTION NO_DIR_IN_CREATE POSTGRESQL ORACLE MSSQL DB2
        MAXDB NO_KEY_OPTIONS NO_TABLE_OPTIONS NO_FIELD_OPTIONS MYSQL323 MYSQL40 ANSI
        NO_AUTO_VALUE_ON_ZERO NO_BACKSLASH_ESCAPES STRICT_TRANS_TABLES STRICT_ALL_TABLES
        NO_ZERO_IN_DATE NO_ZERO_DATE ALLOW_INVALID_DATES ERROR_FOR_DIVISION_BY_ZERO TRADITIONAL
        NO_AUTO_CREATE_USER HIGH_NOT_PRECEDENCE NO_ENGINE_SUBSTITUTION PAD_CHAR_TO_FULL_LENGTH
        EMPTY_STRING_IS_NULL SIMULTANEOUS_ASSIGNMENT TIME_ROUND_FRACTIONAL
        """
    ),
}
"""Any of these, separated by commas."""

SWITCHES: dict[str, tuple[str, ...]] = {
    "optimizer_switch": _words(
        """
        index_merge index_merge_union index_merge_sort_union index_merge_intersection
        index_merge_sort_intersection engine_condition_pushdown index_condition_pushdown
        derived_merge derived_with_keys firstmatch loosescan materialization in_to_exists semijoin
        partial_match_rowid_merge partial_match_table_scan subquery_cache mrr mrr_cost_based
        mrr_sort_keys outer_join_with_cache semijoin_with_cache join_cache_incremental
        join_cache_hashed join_cache_bka optimize_join_buffer_size table_elimination extended_keys
        exists_to_in orderby_uses_equalities condition_pushdown_for_derived split_materialized
        condition_pushdown_for_subquery rowid_filter condition_pushdown_from_having
        not_null_range_scan hash_join_cardinality cset_narrowing
        """
    ),
}
"""Any of these, each with =on, =off or =default."""
